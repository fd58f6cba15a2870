// SPDX-License-Identifier: Apache-2.0
#include "server/worker/batcher.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::worker {
namespace {

int64_t Sum(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

// Rows from `row` on of a tensor that begins at float `before * all` of a buffer of `all` rows.
size_t ByteOf(int64_t before, int64_t all, int64_t row, int64_t width) {
  return static_cast<size_t>(before * all + row * width) * sizeof(float);
}

size_t BytesOf(int64_t values) { return static_cast<size_t>(values) * sizeof(float); }

// What `work` gives; RESOURCE_EXHAUSTED where it finds no memory.
template <typename Work>
absl::Status Within(const char* what, Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat("no memory for ", what));
  }
}

}  // namespace

Batcher::Batcher(BatchModel model, std::function<void(const v1::ServeAnswer&)> deliver)
    : model_(std::move(model)),
      deliver_(std::move(deliver)),
      input_values_(Sum(model_.inputs)),
      output_values_(Sum(model_.outputs)),
      inputs_(static_cast<size_t>(model_.max_rows * input_values_)),
      outputs_(static_cast<size_t>(model_.max_rows * output_values_)) {}

void Batcher::Add(v1::ServeRequest request) {
  const uint64_t id = request.id();
  const absl::Status status = Within("a request", [&] { return Accept(std::move(request)); });
  if (!status.ok()) Refuse(id, status);
}

absl::Status Batcher::Accept(v1::ServeRequest request) {
  const int64_t bytes = static_cast<int64_t>(request.inputs().size());
  const int64_t row_bytes = input_values_ * static_cast<int64_t>(sizeof(float));
  if (request.rows() < 1 || bytes % row_bytes != 0 || bytes / row_bytes != request.rows()) {
    return absl::InvalidArgumentError(absl::StrCat(bytes, " bytes are not ", request.rows(),
                                                   " rows of ", row_bytes, " bytes each"));
  }
  auto waiting = std::make_unique<Waiting>();
  waiting->answer.set_id(request.id());
  waiting->answer.mutable_outputs()->resize(BytesOf(request.rows() * output_values_));
  waiting->request = std::move(request);
  base::MutexLock lock(mu_);
  waiting_.push_back(std::move(waiting));
  changed_.Signal();
  return absl::OkStatus();
}

void Batcher::Refuse(uint64_t id, const absl::Status& status) const {
  v1::ServeAnswer answer;
  answer.set_id(id);
  answer.set_code(static_cast<int>(status.code()));
  answer.set_message(std::string(status.message()));
  deliver_(answer);
}

void Batcher::Stop() {
  base::MutexLock lock(mu_);
  stopped_ = true;
  changed_.Signal();
}

void Batcher::Run() {
  for (;;) {
    std::vector<Share> shares = NextBatch();
    if (shares.empty()) return;
    const absl::Status status = Within("a batch", [&] { return Compute(shares); });
    HandOut(std::move(shares), status);
  }
}

std::vector<Batcher::Share> Batcher::NextBatch() {
  base::MutexLock lock(mu_);
  changed_.Wait(
      mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_ || !waiting_.empty(); });
  std::vector<Share> shares;
  if (stopped_) return shares;
  for (int64_t free = model_.max_rows; free > 0 && !waiting_.empty(); waiting_.pop_front()) {
    Share& share = shares.emplace_back(Share{std::move(waiting_.front())});
    share.rows = std::min(free, share.of->request.rows() - share.of->done);
    free -= share.rows;
  }
  return shares;
}

absl::Status Batcher::Compute(std::vector<Share>& shares) {
  int64_t rows = 0;
  for (const Share& share : shares) rows += share.rows;
  // Each new number of rows is compiled once; so there are only these.
  const auto padded = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows)));
  Gather(shares, padded);
  RETURN_IF_ERROR(model_.predict(inputs_.data(), padded, outputs_.data()));
  Scatter(shares, padded);
  return absl::OkStatus();
}

void Batcher::Gather(const std::vector<Share>& shares, int64_t padded) {
  auto* to = reinterpret_cast<char*>(inputs_.data());
  int64_t before = 0;
  for (const int64_t width : model_.inputs) {
    int64_t row = 0;
    for (const Share& share : shares) {
      const v1::ServeRequest& request = share.of->request;
      std::memcpy(to + ByteOf(before, padded, row, width),
                  request.inputs().data() + ByteOf(before, request.rows(), share.of->done, width),
                  BytesOf(share.rows * width));
      row += share.rows;
    }
    std::memset(to + ByteOf(before, padded, row, width), 0, BytesOf((padded - row) * width));
    before += width;
  }
}

void Batcher::Scatter(std::vector<Share>& shares, int64_t padded) const {
  const auto* from = reinterpret_cast<const char*>(outputs_.data());
  int64_t before = 0;
  for (const int64_t width : model_.outputs) {
    int64_t row = 0;
    for (Share& share : shares) {
      std::memcpy(share.of->answer.mutable_outputs()->data() +
                      ByteOf(before, share.of->request.rows(), share.of->done, width),
                  from + ByteOf(before, padded, row, width), BytesOf(share.rows * width));
      row += share.rows;
    }
    before += width;
  }
}

void Batcher::HandOut(std::vector<Share> shares, const absl::Status& status) {
  for (Share& share : shares) {
    Waiting& waiting = *share.of;
    waiting.done += share.rows;
    if (status.ok() && waiting.done < waiting.request.rows()) {
      base::MutexLock lock(mu_);
      waiting_.push_back(std::move(share.of));
      continue;
    }
    const absl::Status delivered = Within("an answer", [&] {
      if (status.ok()) deliver_(waiting.answer);
      return status;
    });
    if (delivered.ok()) continue;
    const uint64_t id = waiting.answer.id();
    share.of.reset();
    Refuse(id, delivered);
  }
}

}  // namespace gradus::worker
