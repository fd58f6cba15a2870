// SPDX-License-Identifier: Apache-2.0
#include "server/api/servables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::api {
namespace {

constexpr size_t kMostKnown = 256;
// What a process takes beside its weights; those it holds as they were and as kernels want them.
constexpr int64_t kProcessBytes = int64_t{64} << 20;
constexpr int64_t kWeightCopies = 2;

}  // namespace

absl::StatusOr<std::shared_ptr<const Servable>> Servables::Find(const std::string& ref) {
  // The registry says each time what it means: an alias may have moved.
  ASSIGN_OR_RETURN(const std::string pinned, models_.Pin(ref));
  {
    base::MutexLock lock(mu_);
    const auto found = known_.find(pinned);
    if (found != known_.end()) return found->second;
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Servable> made, Make(pinned));
  base::MutexLock lock(mu_);
  if (known_.emplace(pinned, made).second) order_.push_back(pinned);
  if (order_.size() > kMostKnown) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return made;
}

absl::StatusOr<std::shared_ptr<const Servable>> Servables::Make(const std::string& pinned) const {
  ASSIGN_OR_RETURN(v1::Model model, models_.Get(pinned));
  auto servable = std::make_shared<Servable>();
  servable->name = model.name();
  servable->version = absl::StrCat(model.version());
  ASSIGN_OR_RETURN(servable->signature, SignatureOf(model.spec()));
  auto loadable = std::make_shared<serving::Loadable>();
  loadable->ref = pinned;
  loadable->model = std::move(*model.mutable_spec());
  loadable->weights = model.weights();
  loadable->memory =
      model.total_params() * static_cast<int64_t>(sizeof(float)) * kWeightCopies + kProcessBytes;
  servable->loadable = std::move(loadable);
  return servable;
}

}  // namespace gradus::api
