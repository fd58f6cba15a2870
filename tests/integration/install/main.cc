// SPDX-License-Identifier: Apache-2.0
// A program outside this tree that uses the installed client library: it asks a server that is not
// there.
#include <gradus/client.h>
#include <gradus/job_builder.h>

#include <iostream>

int main() {
  gradus::Profile profile;
  profile.set_server("127.0.0.1:1");
  gradus::RetryOptions options;
  options.deadline = absl::Milliseconds(300);
  const auto client = gradus::Client::Connect(profile, options);
  if (!client.ok()) {
    std::cout << client.status() << "\n";
    return 1;
  }
  const absl::Status status = client->GetJob("j1").status();
  std::cout << status << "\n";
  return status.code() == absl::StatusCode::kUnavailable ? 0 : 1;
}
