// SPDX-License-Identifier: Apache-2.0
// A real gradusd process over a folder of its own, with the stub in the workers' place, and raw
// stubs to talk to it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gradus/v1/admin_service.grpc.pb.h"
#include "gradus/v1/config.pb.h"
#include "gradus/v1/job_service.grpc.pb.h"
#include "tests/support/temp_dir.h"

namespace gradus::test {

struct GradusdOptions {
  // What the stub does, as tests/support/stub_worker says.
  std::string stub = "steps=5";
  // In the workers' place; "gradus-worker" itself trains.
  std::string worker = "gradus-stub-worker";
  // Appended to the settings file.
  std::string settings;
  std::string listen = "127.0.0.1:0";
  // Otherwise the folder is empty before the first start, and only "admin" has a token.
  bool prepared = true;
};

// Variables of a process, beside those of the test.
using Environment = std::map<std::string, std::string>;

// Before its first start a prepared folder gets a dataset "tiny" (100 rows of 4 bytes in "x", two
// classes in "y", split "train") and tokens of the users ann and bob.
//   Threads  one; the stubs that it makes: any.
class Gradusd {
 public:
  explicit Gradusd(const GradusdOptions& options = {});
  // Over the folder of another one, which must outlive it.
  Gradusd(const Gradusd& other, const GradusdOptions& options);
  // Kills what still runs, ranks of its own folder too.
  ~Gradusd();

  // Returns once it answers; a failure ends the test.
  void Start();
  // Whether it came to answer; false when it ended before that.
  bool TryStart(const Environment& environment = {});
  // Only starts the process, for starts that end in a refusal.
  void Spawn(const Environment& environment = {});
  // Its exit status when it ends by itself (as after a bad start), within 20 s; -1 when a signal
  // ended it, -2 when it lives on. The same again when it has ended before.
  int Await();
  // Without waiting.
  bool HasEnded();
  // SIGTERM, then Await.
  int Stop();
  void Kill();

  const std::string& dir() const { return path_; }
  // The path of an entry of the folder.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  pid_t pid() const { return pid_; }
  // Everything that it wrote to standard error so far.
  std::string Log() const;
  // Calls of a method ("WatchJob") by a user that ended with a code ("OK"), as it wrote them down.
  int64_t Calls(const std::string& method, const std::string& user, const std::string& code) const;
  // What the store's verifier finds in its folder; it must not run.
  std::vector<std::string> Verify() const;
  v1::Profile AdminProfile() const;

  // "admin", "ann" and "bob" have tokens.
  std::string TokenOf(const std::string& user) const;
  // For the client library.
  v1::Profile ProfileOf(const std::string& user) const;

  // A new connection of its own; `address`: of a proxy, if there is one.
  std::shared_ptr<grpc::Channel> Connect(const grpc::ChannelArguments& arguments = {},
                                         const std::string& address = "") const;
  // Over a connection that is shared by all calls of this object until the next Start.
  v1::JobService::Stub& jobs() { return *jobs_; }
  v1::AdminService::Stub& admin() { return *admin_; }

 private:
  void Prepare();
  void WriteSettings();
  void KillRanks() const;

  const GradusdOptions options_;
  const test_support::TempDir own_;
  const std::string path_;
  std::map<std::string, std::string> tokens_;
  pid_t pid_ = 0;
  int ending_ = 0;  // as Await returns it
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
};

// A call's context with a token and 30 s of time.
class Context : public grpc::ClientContext {
 public:
  explicit Context(const std::string& token);
};

// A job over "tiny" that every server takes.
v1::JobSpec TinyJob(const std::string& name = "tiny-job");

// A message that names job ID, with a request_id of its own where it has one.
template <typename Request>
Request ForJob(const std::string& id, const std::string& request_id = "") {
  Request request;
  request.set_id(id);
  if constexpr (requires { request.set_request_id(request_id); })
    request.set_request_id(request_id);
  return request;
}

// Submits, and returns the id; "" after a failure that ends the test.
std::string Submit(Gradusd& server, const std::string& user, const std::string& request_id,
                   const v1::JobSpec& spec = TinyJob());

// The job once it is in one of these states, or as it is after 60 s.
v1::Job AwaitState(Gradusd& server, const std::string& id,
                   const std::vector<v1::Job::State>& states);

// Whether, within 60 s, so many calls have ended as Gradusd::Calls says.
bool AwaitCalls(const Gradusd& server, const std::string& method, const std::string& user,
                const std::string& code, int64_t calls);

// All events after `after_seq`, until the stream ends; its status goes to `status`.
std::vector<v1::Event> Watch(Gradusd& server, const std::string& user, const std::string& id,
                             int64_t after_seq, grpc::Status* status);

}  // namespace gradus::test
