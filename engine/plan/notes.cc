// SPDX-License-Identifier: Apache-2.0
// A step that several processes share: gradients handed over as they become complete, and what each
// of them has to tell.
#include <algorithm>
#include <cstring>

#include "engine/base/shards.h"
#include "engine/plan/program.h"

namespace gradus::plan {
namespace {

template <typename T>
void Write(std::span<const T> values, std::span<std::byte>& to) {
  if (!values.empty()) std::memcpy(to.data(), values.data(), values.size_bytes());
  to = to.subspan(values.size_bytes());
}

template <typename T>
void Read(std::span<const std::byte>& from, std::span<T> values) {
  if (!values.empty()) std::memcpy(values.data(), from.data(), values.size_bytes());
  from = from.subspan(values.size_bytes());
}

}  // namespace

void Program::PlanExchange() {
  stretches_ = CutIntoStretches(lowered_, *parameters_);
  stretch_of_ = StretchOfParameter(stretches_, *parameters_);
  missing_ = std::vector<std::atomic<int>>(stretches_.size());
  note_of_.resize(setup_.exchange->shares().size());
}

void Program::BeginExchange() {
  for (std::atomic<int>& missing : missing_) missing.store(shards_, std::memory_order_relaxed);
  setup_.exchange->Begin(static_cast<int>(stretches_.size()));
}

// Whoever comes last adds up: the order of the additions is the tree's, whoever does them.
void Program::Complete(int stretch) {
  const auto number = static_cast<size_t>(stretch);
  if (missing_[number].fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const Stretch& part = stretches_[number];
  AddShards(part.begin, part.end - part.begin);
  setup_.exchange->Add(stretch, {parameters_->gradients(0) + part.begin, part.end - part.begin});
}

absl::Status Program::FinishExchange(const StepPlan& plan) {
  size_t all = 0;
  for (const size_t bytes : plan.note_bytes) all += bytes;
  const size_t own = plan.note_bytes[static_cast<size_t>(setup_.exchange->place())];
  notes_.resize(own + all);  // grows in the first steps alone
  const std::span<std::byte> mine(notes_.data(), own);
  const std::span<std::byte> theirs(notes_.data() + own, all);
  WriteNote(plan, mine);
  size_t at = 0;
  for (size_t i = 0; i < note_of_.size(); ++i) {
    note_of_[i] = theirs.subspan(at, plan.note_bytes[i]);
    at += plan.note_bytes[i];
  }
  return setup_.exchange->Finish(mine, plan.note_bytes, theirs);
}

size_t Program::NoteBytes(int64_t rows, base::ShardRange share) const {
  size_t bytes = 0;
  for (int shard = share.begin; shard < share.end; ++shard) {
    const int64_t shard_rows = base::FirstRowOfShard(rows, shard + 1, setup_.logical_shards) -
                               base::FirstRowOfShard(rows, shard, setup_.logical_shards);
    if (shard_rows == 0) continue;
    bytes += sizeof(double);
    for (size_t i = 0; i < metrics_.size(); ++i) bytes += metrics_.BytesOf(i, shard_rows);
  }
  return bytes;
}

void Program::WriteNote(const StepPlan& plan, std::span<std::byte> note) const {
  for (const auto& shard : plan.shards) {
    if (shard == nullptr) continue;
    const double loss = shard->loss_sum();
    Write(std::span(&loss, 1), note);
    for (const metrics::Tally& tally : shard->tallies()) {
      Write(std::span<const double>(tally.state), note);
      Write(std::span<const float>(tally.kept), note);
    }
  }
}

void Program::AddNotes(int64_t rows, std::span<const std::span<const std::byte>> notes,
                       Totals* totals) const {
  AddPenalties(rows, totals);
  size_t process = 0;
  std::span<const std::byte> note = notes.front();
  for (int shard = 0; shard < setup_.logical_shards; ++shard) {
    const int64_t shard_rows = base::FirstRowOfShard(rows, shard + 1, setup_.logical_shards) -
                               base::FirstRowOfShard(rows, shard, setup_.logical_shards);
    if (shard_rows == 0) continue;
    while (note.empty()) note = notes[++process];
    double loss = 0;
    Read(note, std::span(&loss, 1));
    totals->loss += loss;
    std::vector<metrics::Tally>& tallies = tallies_of_[shard_rows];
    if (tallies.empty()) {
      for (size_t i = 0; i < metrics_.size(); ++i)
        tallies.push_back(metrics_.PartOf(i, shard_rows));
    }
    for (metrics::Tally& tally : tallies) {
      Read(note, std::span<double>(tally.state));
      Read(note, std::span<float>(tally.kept));
    }
    metrics_.Merge(tallies, totals->metrics);
  }
}

}  // namespace gradus::plan
