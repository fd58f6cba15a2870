// SPDX-License-Identifier: Apache-2.0
#include "server/api/servables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::api {
namespace {

constexpr size_t kMostKnown = 256;
constexpr int64_t kFloatBytes = sizeof(float);
// What a process takes beside its weights; those it holds as they were and as kernels want them.
constexpr int64_t kProcessBytes = int64_t{64} << 20;
constexpr int64_t kWeightCopies = 2;

}  // namespace

absl::StatusOr<std::shared_ptr<const Servable>> Servables::Find(const std::string& ref) {
  // The registry says each time what it means: an alias may have moved.
  ASSIGN_OR_RETURN(std::string pinned, models_.Pin(ref));
  {
    base::MutexLock lock(mu_);
    const auto found = known_.find(pinned);
    if (found != known_.end()) return found->second;
  }
  absl::StatusOr<std::shared_ptr<const Servable>> made = Make(pinned);
  if (absl::IsNotFound(made.status()) && pinned != ref) {
    // It was removed in between; now the reference means another one.
    ASSIGN_OR_RETURN(pinned, models_.Pin(ref));
    made = Make(pinned);
  }
  RETURN_IF_ERROR(made.status());
  base::MutexLock lock(mu_);
  if (known_.emplace(pinned, *made).second) order_.push_back(pinned);
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
  loadable->answer_bytes = RowValues(servable->signature.outputs) * kFloatBytes;
  loadable->weight_bytes = model.total_params() * kFloatBytes;
  loadable->memory = loadable->weight_bytes * kWeightCopies + kProcessBytes;
  servable->loadable = std::move(loadable);
  return servable;
}

}  // namespace gradus::api
