// SPDX-License-Identifier: Apache-2.0
// Versions of models as predictions need them, known again when they are asked for again.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "server/api/signature.h"
#include "server/registry/models.h"
#include "server/serving/pool.h"

namespace gradus::api {

// One version; it never changes.
struct Servable {
  std::string name;
  std::string version;  // its number
  Signature signature;
  std::shared_ptr<const serving::Loadable> loadable;
};

//   Owns     the versions asked for last. The registry must outlive it.
//   Threads  any.
class Servables {
 public:
  explicit Servables(const registry::Models& models) : models_(models) {}

  // The version that `ref` means at this moment.
  //   Errors   as Models::Get.
  absl::StatusOr<std::shared_ptr<const Servable>> Find(const std::string& ref);

 private:
  absl::StatusOr<std::shared_ptr<const Servable>> Make(const std::string& pinned) const;

  const registry::Models& models_;
  base::Mutex mu_;
  std::map<std::string, std::shared_ptr<const Servable>> known_ ABSL_GUARDED_BY(mu_);
  std::deque<std::string> order_ ABSL_GUARDED_BY(mu_);  // of their coming
};

}  // namespace gradus::api
