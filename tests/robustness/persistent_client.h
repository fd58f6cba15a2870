// SPDX-License-Identifier: Apache-2.0
// A user who asks again until there is an answer, whatever happens to the server meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/server/gradusd.h"
#include "tests/support/history.h"

namespace gradus::test {

// What a call is made of, each time that it is tried.
using Try = std::function<grpc::Status(const std::shared_ptr<grpc::Channel>&, Context&)>;

//   Threads  one; each thread has a client of its own.
class PersistentClient {
 public:
  // `on_failure` runs after each try that failed and before the next one. The server has been
  // started once.
  PersistentClient(const Gradusd& server, const std::string& user,
                   std::function<void()> on_failure);

  // Tries until the server has answered: OK or a refusal. What it says when it is away or busy is
  // returned only after a minute of it.
  grpc::Status Call(const Try& once);
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    return Call([&](const std::shared_ptr<grpc::Channel>& channel, Context& context) {
      Stub stub(channel);
      return (stub.*method)(&context, request, response);
    });
  }
  // Ends its connection, until the next call.
  void Disconnect() { channel_.reset(); }

  // Submits with this key and notes it in `history`; the job's id, or "" after a failure that ends
  // the test.
  std::string Submit(const std::string& request_id, const v1::JobSpec& spec,
                     test_support::SubmitHistory& history);
  v1::Job Get(const std::string& id);
  // The job once `condition` holds for it, or as it is after a minute.
  v1::Job Await(const std::string& id, const std::function<bool(const v1::Job&)>& condition);
  v1::Job AwaitState(const std::string& id, v1::Job::State state);
  // Everybody's, for an admin.
  std::vector<v1::Job> List();
  // Reads the job's events to their end, on as many streams as it takes; `history` hears of all,
  // `on_event` is called with each.
  std::vector<v1::Event> Watch(
      const std::string& id, test_support::StreamHistory& history,
      const std::function<void()>& on_event = [] {});
  // Uploads the dataset "tiny" as files, as Gradusd has it in a prepared folder.
  grpc::Status PushTiny();

 private:
  const Gradusd& server_;
  const std::string user_;
  const std::string token_;
  const std::function<void()> on_failure_;
  std::shared_ptr<grpc::Channel> channel_;
};

// For servers that somebody else looks after: a moment's pause.
void Nap();

}  // namespace gradus::test
