// SPDX-License-Identifier: Apache-2.0
#include "server/sharing.h"

#include <utility>

#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace gradus::server {

void Sharing::Prepare(jobs::JobsParts& parts, jobs::JobsOptions& options) {
  options.lead = false;
  options.endpoint_file = parts_.leader_file;
  // Nobody leads before Join has made the lease.
  parts.check_lead = [this](store::ReadTx& tx) { return lease_->CheckHeld(tx); };
  parts.on_lead_lost = [this] {
    if (Leadership* known = known_) known->BeginAnew();
  };
  parts.leader = [this] {
    const Leadership* known = known_;
    return known == nullptr ? std::string() : known->leader();
  };
}

void Sharing::Join(jobs::Jobs& jobs, const std::string& address) {
  lease_ = std::make_unique<store::Lease>(*parts_.store, "lead", parts_.id, address);
  leadership_ = std::make_unique<Leadership>(
      Leadership::Parts{.store = parts_.store,
                        .lease = lease_.get(),
                        .clock = parts_.clock,
                        .id = parts_.id,
                        .address = address,
                        .lead = [this, &jobs, address] { return Lead(jobs, address); },
                        .follow = [&jobs] { jobs.Follow(); }});
  known_ = leadership_.get();
  leadership_->Start();
  announcements_ = parts_.store->Listen(
      {.on_change = [this, &jobs](const std::string& topic,
                                  const std::string& object) { Changed(jobs, topic, object); },
       .on_missed =
           [this, &jobs] {
             Reload();
             parts_.events->WakeAll();
             jobs.ChangedElsewhere("");
           }});
}

// Where ranks come back to stands beside the blobs, which all machines see.
absl::Status Sharing::Lead(jobs::Jobs& jobs, const std::string& address) {
  RETURN_IF_ERROR(base::WriteFileAtomically(*parts_.files, parts_.leader_file, address));
  return jobs.Lead();
}

void Sharing::Changed(jobs::Jobs& jobs, const std::string& topic, const std::string& object) {
  if (topic == store::kTokensTopic) return Reload();
  if (topic == store::kLeaseTopic) {
    if (Leadership* known = known_) known->Look();
    return;
  }
  if (topic != store::kJobTopic) return;
  parts_.events->Wake(object);
  jobs.ChangedElsewhere(object);
}

void Sharing::Reload() {
  const absl::Status status = parts_.tokens->Reload();
  if (!status.ok()) base::LogWarning("tokens could not be read again", {{"status", status}});
}

bool Sharing::leads() const {
  const Leadership* known = known_;
  return known != nullptr && known->leads();
}

void Sharing::NoMore() {
  if (Leadership* known = known_) known->NoMore();
}

void Sharing::Leave() {
  announcements_.reset();
  known_ = nullptr;
  leadership_.reset();
}

}  // namespace gradus::server
