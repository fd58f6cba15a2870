// SPDX-License-Identifier: Apache-2.0
// A program for tests of the pool: speaks as `gradus-worker serve` does, without a model. What it
// does is the name of its model's only layer, "WORD" or "WORD-NUMBER":
//   echo     the outputs are the inputs
//   dies     ends at its first request, NUMBER times, counted by files in blob_dir; then as echo
//   refuses  cannot be loaded
//   hangs    never says that it is loaded
//   holds    answers once a file "go" is in blob_dir
//   poison   ends at the inputs "poison"; its first process answers nothing before
//   reloads  says at its first request that it cannot be loaded
//   invents  answers what it was not asked
//   shortens gives one byte too few
// NUMBER of the others is the memory that they say they take.
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/descriptor.h"
#include "engine/base/frames.h"
#include "gradus/v1/serving.pb.h"

namespace {

using gradus::v1::ServeAnswer;

void Say(const ServeAnswer& answer) {
  gradus::base::WriteFrame(4, answer.SerializeAsString()).IgnoreError();
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// How often it has been called, from 0.
int Count(const std::string& folder) {
  int count = 0;
  while (Exists(folder + "/died-" + std::to_string(count))) ++count;
  return count;
}

void Touch(const std::string& path) {
  if (FILE* file = std::fopen(path.c_str(), "w")) std::fclose(file);
}

}  // namespace

int main() {
  std::vector<std::byte> buffer(1 << 20);
  const auto count = gradus::base::ReadFully(3, 0, buffer, "setup");
  gradus::v1::ServeSetup setup;
  if (!count.ok() || !setup.ParseFromArray(buffer.data(), static_cast<int>(*count))) return 1;
  const std::string& name = setup.model().layers(0).name();
  const std::string word = name.substr(0, name.find('-'));
  const int number =
      name.find('-') == std::string::npos ? 0 : std::atoi(name.c_str() + name.find('-') + 1);
  while (word == "hangs") ::pause();
  ServeAnswer loaded;
  if (word == "refuses") {
    loaded.set_code(8);
    loaded.set_message("no memory for it");
    Say(loaded);
    return 1;
  }
  loaded.set_memory(word == "dies" ? 0 : number);
  Say(loaded);
  gradus::base::FrameReader reader;
  for (;;) {
    const auto frame = gradus::base::ReadFrame(4, reader);
    gradus::v1::ServeRequest request;
    if (!frame.ok() || !request.ParseFromString(*frame)) return 0;
    if (word == "dies" && Count(setup.blob_dir()) < number) {
      Touch(setup.blob_dir() + "/died-" + std::to_string(Count(setup.blob_dir())));
      return 3;
    }
    if (word == "poison" && request.inputs() == word) {
      Touch(setup.blob_dir() + "/died-0");
      return 3;
    }
    if (word == "poison" && Count(setup.blob_dir()) == 0) continue;
    while (word == "holds" && !Exists(setup.blob_dir() + "/go")) ::usleep(1000);
    ServeAnswer answer;
    answer.set_id(request.id());
    answer.set_outputs(request.inputs());
    if (word == "reloads") {
      answer.set_id(0);
      answer.set_code(8);
    }
    if (word == "invents") answer.set_id(request.id() + 1000);
    if (word == "shortens") answer.mutable_outputs()->pop_back();
    Say(answer);
  }
}
