// SPDX-License-Identifier: Apache-2.0
#include "server/store/verify.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "gradus/v1/events.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/store/codec.h"

namespace gradus::store {
namespace {

using Findings = std::vector<std::string>;

bool IsFinal(v1::Job::State state) {
  return state == v1::Job::SUCCEEDED || state == v1::Job::FAILED || state == v1::Job::CANCELLED ||
         state == v1::Job::TIMED_OUT;
}

bool HasAttempt(v1::Job::State state) {
  return state == v1::Job::STARTING || state == v1::Job::RUNNING || state == v1::Job::PAUSING ||
         state == v1::Job::CANCELLING;
}

absl::Status CheckLogs(ReadTx& tx, Findings& findings) {
  ASSIGN_OR_RETURN(auto logs,
                   (tx.Query<std::string, int64_t, int64_t, int64_t, int64_t>(
                       "SELECT l.job, l.last_seq, COUNT(e.seq), COALESCE(MIN(e.seq), 0),"
                       " COALESCE(MAX(e.seq), 0) FROM event_logs l"
                       " LEFT JOIN events e ON e.job = l.job GROUP BY l.job, l.last_seq")));
  for (const auto& [job, last, count, lowest, highest] : logs) {
    const bool whole = count == last && highest == last && (last == 0 || lowest == 1);
    if (whole) continue;
    findings.push_back(absl::StrCat("job ", job, ": events ", lowest, " to ", highest, ", ", count,
                                    " of them, where the log ends at ", last));
  }
  return absl::OkStatus();
}

// The state that the newest StateChanged of each job tells.
absl::StatusOr<std::map<std::string, v1::Job::State>> ToldStates(ReadTx& tx) {
  ASSIGN_OR_RETURN(auto rows,
                   (tx.Query<std::string, std::string>(
                       "SELECT job, data FROM events e WHERE kind = :kind AND seq ="
                       " (SELECT MAX(seq) FROM events f WHERE f.job = e.job AND f.kind = e.kind)",
                       v1::Event::kStateChanged)));
  std::map<std::string, v1::Job::State> states;
  for (const auto& [job, data] : rows) {
    ASSIGN_OR_RETURN(const v1::Event event, Decode<v1::Event>(data));
    states[job] = event.state_changed().to();
  }
  return states;
}

absl::Status CheckBestCheckpoints(ReadTx& tx, const v1::Job& job, Findings& findings) {
  for (const v1::BestCheckpoint& best : job.best_checkpoints()) {
    ASSIGN_OR_RETURN(
        const auto held,
        tx.QueryOne<int64_t>("SELECT COUNT(*) FROM blob_refs WHERE sha256 = :sha"
                             " AND kind = 'best' AND owner = :owner",
                             best.weights().sha256(), absl::StrCat(job.id(), "/", best.step())));
    if (!held.has_value() || std::get<0>(*held) != 1) {
      findings.push_back(absl::StrCat("job ", job.id(), ": best checkpoint of step ", best.step(),
                                      " holds no reference to its blob"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckJobs(ReadTx& tx, Findings& findings) {
  ASSIGN_OR_RETURN(const auto told, ToldStates(tx));
  ASSIGN_OR_RETURN(auto jobs, (tx.Query<std::string, int64_t, int64_t, int64_t, std::string>(
                                  "SELECT j.id, j.state, j.fence, COALESCE(l.closed, -1), j.record"
                                  " FROM jobs j LEFT JOIN event_logs l ON l.job = j.id")));
  for (const auto& [id, number, fence, closed, record] : jobs) {
    const auto state = static_cast<v1::Job::State>(number);
    const std::string name = absl::StrCat("job ", id, " (", v1::Job::State_Name(state), ")");
    ASSIGN_OR_RETURN(const v1::Job job, Decode<v1::Job>(record));
    if (job.state() != state)
      findings.push_back(
          absl::StrCat(name, ": its record says ", v1::Job::State_Name(job.state())));
    const auto last = told.find(id);
    if (last == told.end() || last->second != state)
      findings.push_back(absl::StrCat(name, ": its events tell another state"));
    if ((fence != 0) != HasAttempt(state))
      findings.push_back(absl::StrCat(name, ": its fence is ", fence));
    if ((closed == 1) != IsFinal(state))
      findings.push_back(absl::StrCat(name, ": its log's closed flag is ", closed));
    if (state == v1::Job::SUCCEEDED && job.weights_sha256().empty())
      findings.push_back(absl::StrCat(name, ": has no weights"));
    RETURN_IF_ERROR(CheckBestCheckpoints(tx, job, findings));
  }
  return absl::OkStatus();
}

absl::Status CheckAttempts(ReadTx& tx, Findings& findings) {
  ASSIGN_OR_RETURN(auto lost,
                   (tx.Query<std::string, int64_t>(
                       "SELECT j.id, j.fence FROM jobs j WHERE j.fence <> 0 AND NOT EXISTS"
                       " (SELECT 1 FROM attempts a WHERE a.fence = j.fence AND a.job = j.id"
                       " AND a.member = 0 AND a.ended_at IS NULL)")));
  for (const auto& [id, fence] : lost) {
    findings.push_back(
        absl::StrCat("job ", id, ": its fence ", fence, " is no living attempt of it"));
  }
  return absl::OkStatus();
}

absl::Status CheckReferences(ReadTx& tx, Findings& findings) {
  ASSIGN_OR_RETURN(
      auto loose,
      (tx.Query<std::string, int64_t>(
          "SELECT c.job, c.number FROM checkpoints c WHERE NOT EXISTS"
          " (SELECT 1 FROM blob_refs r WHERE r.sha256 = c.sha256 AND r.kind = 'checkpoint'"
          " AND r.owner = c.job || '/' || c.number)")));
  for (const auto& [job, number] : loose) {
    findings.push_back(
        absl::StrCat("job ", job, ": checkpoint ", number, " holds no reference to its blob"));
  }
  return absl::OkStatus();
}

// What a blob needs is there as long as it is, and no longer.
absl::Status CheckParts(ReadTx& tx, Findings& findings) {
  ASSIGN_OR_RETURN(auto orphans,
                   tx.Query<std::string>("SELECT DISTINCT r.owner FROM blob_refs r WHERE r.kind ="
                                         " 'part' AND NOT EXISTS (SELECT 1 FROM blobs b WHERE"
                                         " b.sha256 = r.owner)"));
  for (const auto& [sha256] : orphans)
    findings.push_back(absl::StrCat("blob ", sha256, " is gone, and parts of it are still kept"));
  return absl::OkStatus();
}

// Weights that a job works on are kept as long as it is unfinished, and no longer.
absl::Status CheckSources(ReadTx& tx, Findings& findings) {
  ASSIGN_OR_RETURN(auto open,
                   (tx.Query<std::string, std::string>(
                       "SELECT id, assignment FROM jobs j WHERE state NOT IN (7, 8, 9, 10) AND NOT"
                       " EXISTS (SELECT 1 FROM blob_refs r WHERE r.kind = 'source'"
                       " AND r.owner = j.id)")));
  for (const auto& [job, text] : open) {
    ASSIGN_OR_RETURN(const auto assignment, Decode<v1::Assignment>(text));
    if (!assignment.models().empty())
      findings.push_back(
          absl::StrCat("job ", job, ": holds no reference to the weights it works on"));
  }
  ASSIGN_OR_RETURN(auto kept, tx.Query<std::string>(
                                  "SELECT r.owner FROM blob_refs r JOIN jobs j ON j.id = r.owner"
                                  " WHERE r.kind = 'source' AND j.state IN (7, 8, 9, 10)"));
  for (const auto& [job] : kept)
    findings.push_back(
        absl::StrCat("job ", job, " has ended and still keeps the weights of another"));
  return absl::OkStatus();
}

absl::Status CheckBlob(BlobStore& blobs, const v1::BlobRef& ref, bool read, Findings& findings) {
  absl::Status status;
  if (read) {
    status = blobs.Map(ref).status();
  } else {
    ASSIGN_OR_RETURN(const bool there, blobs.Has(ref));
    if (!there) status = absl::NotFoundError(absl::StrCat("there is no blob ", ref.sha256()));
  }
  if (!status.ok()) findings.push_back(std::string(status.message()));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Verify(const Store& store, BlobStore& blobs,
                                                const VerifyOptions& options) {
  Findings findings;
  std::vector<std::tuple<std::string, int64_t>> stored;
  RETURN_IF_ERROR(store.Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(findings, tx.CheckDatabase());
    RETURN_IF_ERROR(CheckLogs(tx, findings));
    RETURN_IF_ERROR(CheckJobs(tx, findings));
    RETURN_IF_ERROR(CheckAttempts(tx, findings));
    RETURN_IF_ERROR(CheckReferences(tx, findings));
    RETURN_IF_ERROR(CheckParts(tx, findings));
    RETURN_IF_ERROR(CheckSources(tx, findings));
    ASSIGN_OR_RETURN(stored, (tx.Query<std::string, int64_t>("SELECT sha256, size FROM blobs")));
    return absl::OkStatus();
  }));
  for (const auto& [sha256, size] : stored) {
    v1::BlobRef ref;
    ref.set_sha256(sha256);
    ref.set_size(size);
    RETURN_IF_ERROR(CheckBlob(blobs, ref, options.read_blobs, findings));
  }
  return findings;
}

}  // namespace gradus::store
