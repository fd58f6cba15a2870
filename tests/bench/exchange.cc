// SPDX-License-Identifier: Apache-2.0
// What adding gradients in tree order costs beside gloo::allreduce.
//
//   exchange [RANKS [MEGABYTES [ROUNDS [PIECE]]]]
//   ninja -C build/release exchange && build/release/bin/exchange
//
// Starts RANKS processes (2) on the loopback. In each round all of them sum the same buffers of
// MEGABYTES (40) once in tree order, once with gloo::allreduce and once in bfloat16, in turn, so
// that all three see the same machine. PIECE is that of TreeReduction::Options, in floats. Prints
// medians over ROUNDS (30) as rank 0 sees them, the ratio of the first two, and how long a sum of 4
// KB takes.
#include <gloo/allreduce.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/collective/gather.h"
#include "engine/collective/gloo_group.h"
#include "engine/collective/subtrees.h"
#include "engine/collective/tree_reduction.h"
#include "tests/bench/file_notes.h"

namespace gradus::collective {
namespace {

using Clock = std::chrono::steady_clock;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << '\n';
  std::exit(1);
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Bench {
 public:
  Bench(const std::string& folder, int rank, int size, size_t floats, size_t piece)
      : size_(size), buffer_(floats), small_(1024) {
    auto group = ConnectGloo({.self = {.generation = 1, .rank = rank, .size = size, .secret = "?"},
                              .network = "127.0.0.1",
                              .notes = bench::NotesIn(folder)});
    Check(group.status());
    group_ = *std::move(group);
    int shards = 1;
    while (shards < size) shards *= 2;
    const auto trees = Subtrees::Create(shards, size);
    Check(trees.status());
    exact_ = std::make_unique<TreeReduction>(*group_, *trees,
                                             TreeReduction::Options{.piece_floats = piece});
    rounded_ = std::make_unique<TreeReduction>(
        *group_, *trees,
        TreeReduction::Options{.bfloat16 = true, .channel = 2, .piece_floats = piece});

    gloo::rendezvous::FileStore store(folder);
    auto device = gloo::transport::tcp::CreateDevice("127.0.0.1");
    auto context = std::make_shared<gloo::rendezvous::Context>(rank, size);
    context->connectFullMesh(store, device);
    gloo_ = context;
  }

  void InTreeOrder(std::vector<float>& buffer) { Check(exact_->Reduce(buffer)); }
  void Rounded(std::vector<float>& buffer) { Check(rounded_->Reduce(buffer)); }
  void ByGloo(std::vector<float>& buffer) {
    gloo::AllreduceOptions options(gloo_);
    options.setOutput(buffer.data(), buffer.size());
    options.setReduceFunction(
        static_cast<void (*)(void*, const void*, const void*, size_t)>(&gloo::sum<float>));
    gloo::allreduce(options);
  }

  // Milliseconds, all ranks beginning together.
  double Time(std::vector<float>& buffer, void (Bench::*sum)(std::vector<float>&)) {
    std::fill(buffer.begin(), buffer.end(), 1.0F);
    std::vector<std::byte> all(static_cast<size_t>(size_));
    const std::vector<size_t> lengths(all.size(), 1);
    Check(AllGather(*group_, 8, std::vector<std::byte>(1), lengths, all));
    const auto start = Clock::now();
    (this->*sum)(buffer);
    const double took = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    if (buffer.front() != static_cast<float>(size_) || buffer.back() != static_cast<float>(size_))
      Check(absl::InternalError("a wrong sum"));
    return took;
  }

  void Run(int rounds, bool prints) {
    std::vector<double> ours, theirs, rounded, our_small, their_small;
    for (int round = -3; round < rounds; ++round) {
      const double tree = Time(buffer_, &Bench::InTreeOrder);
      const double gloo = Time(buffer_, &Bench::ByGloo);
      const double bfloat16 = Time(buffer_, &Bench::Rounded);
      const double small_tree = Time(small_, &Bench::InTreeOrder);
      const double small_gloo = Time(small_, &Bench::ByGloo);
      if (round < 0) continue;
      ours.push_back(tree);
      theirs.push_back(gloo);
      rounded.push_back(bfloat16);
      our_small.push_back(small_tree);
      their_small.push_back(small_gloo);
    }
    if (!prints) return;
    std::printf("tree %.1f ms, gloo::allreduce %.1f ms, ratio %.2f; bfloat16 %.1f ms\n",
                Median(ours), Median(theirs), Median(ours) / Median(theirs), Median(rounded));
    std::printf("4 KB: tree %.3f ms, gloo::allreduce %.3f ms\n", Median(our_small),
                Median(their_small));
  }

 private:
  const int size_;
  std::vector<float> buffer_;
  std::vector<float> small_;
  std::unique_ptr<Group> group_;
  std::unique_ptr<TreeReduction> exact_;
  std::unique_ptr<TreeReduction> rounded_;
  std::shared_ptr<gloo::Context> gloo_;
};

int Main(int argc, char** argv) {
  const int size = argc > 1 ? std::atoi(argv[1]) : 2;
  const int megabytes = argc > 2 ? std::atoi(argv[2]) : 40;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 30;
  const size_t piece =
      argc > 4 ? static_cast<size_t>(std::atoi(argv[4])) : TreeReduction::Options{}.piece_floats;
  std::string folder = std::filesystem::temp_directory_path() / "gradus-exchange-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr || size < 1 || megabytes < 1 || rounds < 1 || piece < 1)
    return 2;
  std::signal(SIGPIPE, SIG_IGN);
  int rank = 0;
  for (int other = 1; other < size && rank == 0; ++other)
    if (fork() == 0) rank = other;
  {
    Bench bench(folder, rank, size, static_cast<size_t>(megabytes) * 1'000'000 / sizeof(float),
                piece);
    bench.Run(rounds, rank == 0);
  }
  if (rank != 0) return 0;
  int failed = 0;
  for (int status = 0; wait(&status) > 0;) failed |= status;
  std::filesystem::remove_all(folder);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gradus::collective

int main(int argc, char** argv) { return gradus::collective::Main(argc, argv); }
