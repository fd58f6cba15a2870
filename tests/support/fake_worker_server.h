// SPDX-License-Identifier: Apache-2.0
// A server of WorkerService alone, in this process: what it has stored outlives its stops, as the
// real one's store does.
#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "gradus/v1/worker_service.grpc.pb.h"

namespace gradus::test_support {

// On loopback. Checks what the real one checks: the fence, consecutive worker_seq, offsets and
// digests.
//   Threads  any; Start and Stop by one.
class FakeWorkerServer final : public v1::WorkerService::Service {
 public:
  explicit FakeWorkerServer(int64_t fence) : fence_(fence) {}
  ~FakeWorkerServer() override;

  // Listens on a port that is free; endpoint() says which. Null: in plain text.
  void Start(std::shared_ptr<grpc::ServerCredentials> credentials = nullptr);
  // Cuts every call off.
  void Stop();
  std::string endpoint() const;

  void SetAssignment(const v1::Assignment& assignment);
  void AddBlob(const std::string& bytes);
  // Sent on the stream that is up, and again on each later one.
  void Command(v1::Command::Action action);
  // Another rank of the attempt, which reports nothing.
  void AllowMember(int64_t fence);
  // Calls the next meeting, of the ranks with these fences in this order: told on their streams,
  // and again on each later one. Notes for earlier meetings are ABORTED from then on. Returns its
  // generation.
  int64_t CallMeeting(const std::vector<int64_t>& fences);
  // Another attempt has taken over: every call is FAILED_PRECONDITION.
  void FenceOff();
  // Each stream is cut after this many batches were stored; `before_ack`: and their acknowledgement
  // is lost. 0: none.
  void CutStreamsAfter(int batches, bool before_ack);
  // Each upload stream ends after this many messages, stored. 0: none. A fetch ends after as many
  // chunks, with an error.
  void CutTransfersAfter(int messages);
  void SetChunkBytes(size_t bytes);

  // What was stored, in order, each once.
  std::vector<v1::WorkerEvent> events() const;
  std::vector<v1::Hello> hellos() const;
  // Of the rank with this fence, in order.
  std::vector<v1::Heartbeat> heartbeats(int64_t fence) const;
  // Waits until there are so many, or one is as `condition` says; false after ten seconds.
  bool WaitForHeartbeats(int64_t fence, size_t count);
  bool WaitForHeartbeat(int64_t fence, const std::function<bool(const v1::Heartbeat&)>& condition);
  bool HasBlob(const std::string& sha256) const;
  std::string Blob(const std::string& sha256) const;
  // Waits until the condition holds of the events; false after ten seconds.
  bool WaitForEvents(const std::function<bool(const std::vector<v1::WorkerEvent>&)>& condition);
  // Waits for the rank's last word.
  bool WaitForFinished(v1::RankFinished* finished);
  // A broken rule of the protocol; empty: none.
  std::string fault() const;

  grpc::Status Attach(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>* stream) override;
  grpc::Status FetchBlob(grpc::ServerContext* context, const v1::FetchBlobRequest* request,
                         grpc::ServerWriter<v1::FetchBlobResponse>* writer) override;
  grpc::Status UploadBlob(grpc::ServerContext* context,
                          grpc::ServerReader<v1::UploadBlobRequest>* reader,
                          v1::UploadBlobResponse* response) override;
  grpc::Status PutNote(grpc::ServerContext* context, const v1::PutNoteRequest* request,
                       v1::PutNoteResponse* response) override;
  grpc::Status GetNotes(grpc::ServerContext* context, const v1::GetNotesRequest* request,
                        v1::GetNotesResponse* response) override;

 private:
  using Stream = grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>;

  grpc::Status Greet(const v1::Hello& hello, Stream* stream);
  grpc::Status Take(const v1::AttachRequest& request, int64_t fence, Stream* stream, int* batches);
  // The meeting as the rank with this fence is told of it; empty: it is in none.
  v1::AttachResponse MeetingOf(int64_t fence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  grpc::Status Store(const v1::EventBatch& batch, Stream* stream, int* batches);
  bool Write(Stream* stream, const v1::AttachResponse& response);
  bool Allowed(int64_t fence) const;
  void Fault(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int64_t fence_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;

  // Writes of commands and of acknowledgements must not meet on one stream.
  base::Mutex write_mu_;
  mutable base::Mutex mu_;
  base::CondVar changed_;
  v1::Assignment assignment_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::WorkerEvent> events_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Hello> hellos_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> blobs_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> partial_ ABSL_GUARDED_BY(mu_);
  std::map<Stream*, int64_t> streams_ ABSL_GUARDED_BY(mu_);  // fences
  std::set<int64_t> members_ ABSL_GUARDED_BY(mu_);           // fences
  std::map<int64_t, std::vector<v1::Heartbeat>> heartbeats_ ABSL_GUARDED_BY(mu_);
  int64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<int64_t> meeting_ ABSL_GUARDED_BY(mu_);  // fences by rank
  std::map<std::string, std::string> notes_ ABSL_GUARDED_BY(mu_);
  v1::Command::Action command_ ABSL_GUARDED_BY(mu_) = v1::Command::ACTION_UNSPECIFIED;
  bool fenced_off_ ABSL_GUARDED_BY(mu_) = false;
  int cut_streams_after_ ABSL_GUARDED_BY(mu_) = 0;
  bool cut_before_ack_ ABSL_GUARDED_BY(mu_) = false;
  int cut_transfers_after_ ABSL_GUARDED_BY(mu_) = 0;
  size_t chunk_bytes_ ABSL_GUARDED_BY(mu_) = 64 << 10;
  std::string fault_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
