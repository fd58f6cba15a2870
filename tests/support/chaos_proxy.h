// SPDX-License-Identifier: Apache-2.0
// A TCP proxy on loopback that does to connections what bad networks do: delays, throttles, cuts,
// loses answers, falls silent. It knows nothing of what it carries, TLS included.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "engine/base/descriptor.h"
#include "engine/base/mutex.h"
#include "tests/support/chaos_link.h"

namespace gradus::test_support {

// Runs until it is destroyed, which cuts what is still open.
//   Threads  any; it has one of its own, on which plans are called.
class ChaosProxy {
 public:
  // How the connection of this number (0, 1, 2, ...) is to be treated. Must not call the proxy.
  using Plan = std::function<Treatment(int64_t connection)>;

  // Forwards to `target`, an IPv4 HOST:PORT. A target where nobody listens cuts its connections.
  static absl::StatusOr<std::unique_ptr<ChaosProxy>> Start(const std::string& target,
                                                           Plan plan = {});
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  // HOST:PORT to connect to.
  const std::string& address() const { return address_; }

  // For connections that are accepted from now on.
  void SetTarget(const std::string& target);
  void SetPlan(Plan plan);

  // All that are open now: both ends see a reset; or no byte passes any more.
  void CutAll();
  void HalfOpenAll();

  ChaosCounts counts() const;

 private:
  ChaosProxy(base::Descriptor listener, base::Descriptor wake, std::string address,
             std::string target, Plan plan);

  void Run();
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForEach(void (ChaosLink::*deed)());
  void Wake();

  const base::Descriptor listener_;
  const base::Descriptor wake_;
  const std::string address_;
  mutable base::Mutex mu_;
  std::string target_ ABSL_GUARDED_BY(mu_);
  Plan plan_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  ChaosCounts counts_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, std::unique_ptr<ChaosLink>> links_ ABSL_GUARDED_BY(mu_);  // by number
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gradus::test_support
