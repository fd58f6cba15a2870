// SPDX-License-Identifier: Apache-2.0
// The ring: two counters, and a lock that is taken only to sleep or to wake.
#include "engine/data/batch_reader.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::data {
namespace {

constexpr size_t kAlignment = 64;
constexpr int64_t kMinSlots = 3;
constexpr int64_t kMaxSlots = 64;

size_t RoundUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Bytes of a slot's parts.
struct SlotBytes {
  size_t inputs;
  size_t targets;
  size_t weights;
};

SlotBytes BytesOfSlot(const View& view, int64_t batch_size) {
  const size_t rows = static_cast<size_t>(std::min(batch_size, view.rows()));
  return {RoundUp(rows * static_cast<size_t>(view.input_elements()) * sizeof(float)),
          RoundUp(rows * static_cast<size_t>(view.target_elements()) * sizeof(float)),
          view.weighted() ? RoundUp(rows * sizeof(float)) : 0};
}

// Rows one after another; returns what lies behind the last one.
float* FillInput(const View& view, size_t input, std::span<const uint32_t> picked, float* to) {
  for (const uint32_t row : picked) {
    view.GatherInput(row, to, input);
    to += view.input_elements(input);
  }
  return to;
}

std::byte* FillTarget(const View& view, size_t target, std::span<const uint32_t> picked,
                      std::byte* to) {
  const TargetNeeds& needs = view.targets()[target].needs();
  if (needs.kind == TargetKind::kClasses) {
    auto* classes = reinterpret_cast<int32_t*>(to);
    for (const uint32_t row : picked) *classes++ = view.GatherClass(row, target);
    return reinterpret_cast<std::byte*>(classes);
  }
  auto* values = reinterpret_cast<float*>(to);
  for (const uint32_t row : picked) {
    view.GatherTarget(row, values, target);
    values += needs.width;
  }
  return reinterpret_cast<std::byte*>(values);
}

int64_t BatchesOf(const BatchReader::Options& options, int64_t steps_per_epoch) {
  const int64_t epochs = std::max<int64_t>(options.end_epoch - options.first_epoch, 0);
  int64_t batches = 0;
  if (__builtin_mul_overflow(epochs, steps_per_epoch, &batches))
    return std::numeric_limits<int64_t>::max();
  return std::max<int64_t>(batches - options.first_step, 0);
}

}  // namespace

void BatchReader::Free::operator()(std::byte* memory) const {
  ::operator delete(memory, std::align_val_t(kAlignment));
}

absl::StatusOr<std::unique_ptr<BatchReader>> BatchReader::Create(std::shared_ptr<const View> view,
                                                                 Options options) {
  try {
    std::unique_ptr<BatchReader> reader(new BatchReader(std::move(view), std::move(options)));
    RETURN_IF_ERROR(reader->PlaceRing());
    RETURN_IF_ERROR(reader->StartThread());
    return reader;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for reading batches ahead");
  }
}

BatchReader::BatchReader(std::shared_ptr<const View> view, Options options)
    : view_(std::move(view)),
      options_(std::move(options)),
      steps_per_epoch_((view_->rows() + options_.batch_size - 1) / options_.batch_size),
      total_batches_(BatchesOf(options_, steps_per_epoch_)),
      shuffler_(view_->rows(), options_.shuffle, options_.seed) {}

BatchReader::~BatchReader() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

absl::Status BatchReader::PlaceRing() {
  const SlotBytes slot_bytes = BytesOfSlot(*view_, options_.batch_size);
  const size_t stride = slot_bytes.inputs + slot_bytes.targets + slot_bytes.weights;
  const int64_t wanted = static_cast<int64_t>(options_.ring_bytes / stride);
  const int64_t slots =
      std::clamp(wanted, kMinSlots, std::max(kMinSlots, std::min(kMaxSlots, total_batches_)));
  const size_t bytes = stride * static_cast<size_t>(slots);
  memory_.reset(
      static_cast<std::byte*>(::operator new(bytes, std::align_val_t(kAlignment), std::nothrow)));
  if (memory_ == nullptr)
    return absl::ResourceExhaustedError(absl::StrCat("no memory for ", bytes, " bytes of batches"));
  for (int64_t i = 0; i < slots; ++i) {
    std::byte* const at = memory_.get() + static_cast<size_t>(i) * stride;
    std::byte* const targets = at + slot_bytes.inputs;
    float* const weights =
        view_->weighted() ? reinterpret_cast<float*>(targets + slot_bytes.targets) : nullptr;
    slots_.push_back({{}, reinterpret_cast<float*>(at), targets, weights});
  }
  return absl::OkStatus();
}

absl::Status BatchReader::StartThread() {
  try {
    thread_ = std::thread([this] { Produce(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no thread for reading batches ahead: ", error.what()));
  }
  if (!options_.cpus.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu : options_.cpus) CPU_SET(cpu, &set);
    // Only a matter of speed: where it is refused the thread runs where its creator does.
    pthread_setaffinity_np(thread_.native_handle(), sizeof(set), &set);
  }
  return absl::OkStatus();
}

void BatchReader::Produce() {
  pthread_setname_np(pthread_self(), "gradus-batches");
  int64_t epoch = options_.first_epoch + options_.first_step / steps_per_epoch_;
  int64_t step = options_.first_step % steps_per_epoch_;
  std::span<const uint32_t> order;
  for (int64_t number = 0; number < total_batches_; ++number) {
    if (order.empty() || step == 0) order = shuffler_.Order(epoch);
    if (!AwaitRoom()) return;
    Fill(slots_[static_cast<size_t>(number) % slots_.size()], order, epoch, step);
    produced_.store(number + 1);
    // A consumer that found the ring empty sleeps on the first batch; later ones find it awake.
    if (number == consumed_.load()) {
      base::MutexLock lock(mu_);
      changed_.SignalAll();
    }
    if (++step == steps_per_epoch_) {
      step = 0;
      ++epoch;
    }
  }
}

// False when the reader is being destroyed.
bool BatchReader::AwaitRoom() {
  const int64_t capacity = static_cast<int64_t>(slots_.size());
  if (produced_.load() - consumed_.load() < capacity) return true;
  base::MutexLock lock(mu_);
  producer_sleeps_.store(true);
  changed_.Wait(mu_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || produced_.load() - consumed_.load() <= capacity / 2;
  });
  producer_sleeps_.store(false);
  return !stopping_;
}

void BatchReader::Fill(Slot& slot, std::span<const uint32_t> order, int64_t epoch,
                       int64_t step) const {
  const int64_t first = step * options_.batch_size;
  const int64_t rows = std::min(options_.batch_size, view_->rows() - first);
  int64_t begin = 0;
  int64_t end = rows;
  if (options_.share.size() > 0) {
    begin = base::FirstRowOfShard(rows, options_.share.begin, options_.logical_shards);
    end = base::FirstRowOfShard(rows, options_.share.end, options_.logical_shards);
  }
  const std::span<const uint32_t> picked =
      order.subspan(static_cast<size_t>(first + begin), static_cast<size_t>(end - begin));
  float* inputs = slot.inputs;
  for (size_t i = 0; i < view_->inputs(); ++i) inputs = FillInput(*view_, i, picked, inputs);
  std::byte* targets = slot.targets;
  for (size_t i = 0; i < view_->targets().size(); ++i)
    targets = FillTarget(*view_, i, picked, targets);
  if (slot.weights != nullptr) {
    float* weight = slot.weights;
    for (const uint32_t row : picked) *weight++ = view_->GatherWeight(row);
  }
  slot.batch = {.epoch = epoch,
                .step = step,
                .rows = rows,
                .inputs = slot.inputs,
                .targets = slot.targets,
                .weights = slot.weights,
                .first_held = begin,
                .held = end - begin};
}

void BatchReader::GiveBack() {
  if (!std::exchange(holding_, false)) return;
  const int64_t consumed = consumed_.load() + 1;
  consumed_.store(consumed);
  if (producer_sleeps_.load() &&
      produced_.load() - consumed <= static_cast<int64_t>(slots_.size()) / 2) {
    base::MutexLock lock(mu_);
    changed_.SignalAll();
  }
}

const Batch* BatchReader::Next() {
  GiveBack();
  const int64_t number = consumed_.load();
  if (number >= total_batches_) return nullptr;
  if (produced_.load() <= number) {
    base::MutexLock lock(mu_);
    changed_.Wait(mu_, [&] { return produced_.load() > number; });
  }
  holding_ = true;
  return &slots_[static_cast<size_t>(number) % slots_.size()].batch;
}

}  // namespace gradus::data
