// SPDX-License-Identifier: Apache-2.0
// The check of whole jobs, on whatever text is a job at all.
#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/graph/job_check.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"
#include "proto/support/parse.h"
#include "tests/fuzz/same_message.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

constexpr graph::JobLimits kLimits = {.model = {}, .cores = 2, .memory = uint64_t{4} << 30};
constexpr int kSeed = 4711;

void AddSplit(const std::string& name, int64_t rows, v1::Dataset& dataset) {
  v1::Split* split = dataset.add_splits();
  split->set_name(name);
  split->set_rows(rows);
  v1::Column* x = split->add_columns();
  x->set_name("x");
  x->set_dtype("U8");
  x->add_shape(28);
  x->add_shape(28);
  v1::Column* y = split->add_columns();
  y->set_name("y");
  y->set_dtype("U8");
  for (int label = 0; label < 10; ++label) (*y->mutable_label_counts())[label] = rows / 10;
}

// Whatever data a job asks for, it is of Fashion-MNIST's shape.
std::vector<v1::Dataset> DatasetsOf(const v1::JobSpec& spec) {
  std::vector<v1::Dataset> datasets;
  for (const std::string& name : graph::DatasetNames(spec)) {
    v1::Dataset& dataset = datasets.emplace_back();
    dataset.set_name(name);
    AddSplit("test", 10'000, dataset);
    AddSplit("train", 60'000, dataset);
  }
  return datasets;
}

absl::Status Run(std::span<const std::byte> bytes) {
  const absl::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ASSIGN_OR_RETURN(const v1::JobSpec spec, support::Parse<v1::JobSpec>(text));
  const std::vector<v1::Dataset> datasets = DatasetsOf(spec);
  ASSIGN_OR_RETURN(const graph::CheckedJob job, graph::CheckJob(spec, datasets, kLimits, kSeed));
  const auto again = graph::CheckJob(job.spec, datasets, kLimits, kSeed + 1);
  Require(again.ok() && BytesOf(again->spec) == BytesOf(job.spec),
          "an effective job is its own effective job");
  Require(job.cores >= 1 && job.cores <= kLimits.cores && job.memory_estimate <= kLimits.memory,
          "a job that is taken fits");
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget job_spec_kind = {.name = "job_spec", .run = Run};

}  // namespace gradus::fuzz
