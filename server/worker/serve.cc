// SPDX-License-Identifier: Apache-2.0
#include "server/worker/serve.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
#include "engine/base/frames.h"
#include "engine/base/mutex.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "gradus/v1/serving.pb.h"
#include "server/worker/batcher.h"
#include "server/worker/blob_folder.h"
#include "server/worker/sandbox.h"
#include "server/worker/served_model.h"

namespace gradus::worker {
namespace {

constexpr int kSetup = 3;
constexpr int kSocket = 4;
constexpr size_t kMostSetupBytes = size_t{16} << 20;

absl::StatusOr<v1::ServeSetup> ReadSetup() {
  std::vector<std::byte> buffer(kMostSetupBytes);
  ASSIGN_OR_RETURN(const size_t count, base::ReadFully(kSetup, 0, buffer, "setup"));
  v1::ServeSetup setup;
  if (!setup.ParseFromArray(buffer.data(), static_cast<int>(count)))
    return absl::InvalidArgumentError("the setup cannot be read");
  return setup;
}

absl::StatusOr<std::unique_ptr<ServedModel>> Load() {
  ASSIGN_OR_RETURN(const v1::ServeSetup setup, ReadSetup());
  const auto open =
      [&](const v1::BlobRef& ref) -> absl::StatusOr<std::shared_ptr<const base::MappedFile>> {
    // The digest becomes part of a path.
    RETURN_IF_ERROR(base::ParseSha256(ref.sha256()).status());
    return MapBlob(base::RealFiles(), ref, BlobPath(setup.blob_dir(), ref.sha256()));
  };
  return ServedModel::Load(setup, open);
}

// Answers of several threads, whole. One that cannot be sent is of no use any more: nobody is
// there.
class Answers {
 public:
  void Send(const v1::ServeAnswer& answer) {
    const std::string text = answer.SerializeAsString();
    base::MutexLock lock(mu_);
    base::WriteFrame(kSocket, text).IgnoreError();
  }

 private:
  base::Mutex mu_;
};

void SayLoaded(Answers& answers, const absl::Status& status, uint64_t memory) {
  v1::ServeAnswer answer;
  answer.set_code(static_cast<int>(status.code()));
  answer.set_message(std::string(status.message()));
  answer.set_memory(static_cast<int64_t>(memory));
  answers.Send(answer);
}

// Until the server has gone, or says what is no request.
void PassOn(Batcher& batcher) {
  base::FrameReader reader;
  for (;;) {
    const absl::StatusOr<std::string> frame = base::ReadFrame(kSocket, reader);
    v1::ServeRequest request;
    if (!frame.ok() || !request.ParseFromString(*frame)) return;
    batcher.Add(std::move(request));
  }
}

// A model and who answers with it.
struct Served {
  std::unique_ptr<ServedModel> model;
  std::unique_ptr<Batcher> batcher;
};

absl::StatusOr<Served> Prepare(Answers& answers) {
  try {
    Served served;
    ASSIGN_OR_RETURN(served.model, Load());
    served.batcher = std::make_unique<Batcher>(
        served.model->batches(),
        [&answers](const v1::ServeAnswer& answer) { answers.Send(answer); });
    return served;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for it");
  }
}

int Serve() {
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // More of them would look for the machine's cores when they come, which the sandbox forbids.
  ::mallopt(M_ARENA_MAX, 2);
  Answers answers;
  absl::StatusOr<Served> served;
  std::promise<absl::Status> loaded;
  // The first steps of a thread, in the system's libraries and in those that compute, need more
  // than the sandbox permits: the one that loads goes on to answer.
  std::thread compute([&] {
    served = Prepare(answers);
    loaded.set_value(served.status());
    if (served.ok()) served->batcher->Run();
  });
  absl::Status status = loaded.get_future().get();
  const uint64_t memory = base::ResidentBytes();
  if (status.ok()) status = CloseSandbox();
  SayLoaded(answers, status, memory);
  if (status.ok()) PassOn(*served->batcher);
  if (served.ok()) served->batcher->Stop();
  compute.join();
  return status.ok() ? 0 : 1;
}

}  // namespace

// Exit handlers of libraries that were loaded along have no business in the sandbox.
void RunServe() { ::_exit(Serve()); }

}  // namespace gradus::worker
