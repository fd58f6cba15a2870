// SPDX-License-Identifier: Apache-2.0
// The check of a whole job.
#include "engine/graph/job_check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/base/byte_size.h"
#include "engine/base/duration.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/columns.h"
#include "engine/graph/fit_check.h"
#include "engine/graph/fold_check.h"
#include "engine/graph/goals.h"
#include "engine/graph/resources.h"
#include "engine/graph/transfer_search.h"
#include "engine/graph/view_check.h"
#include "engine/training/callbacks/kind.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::graph {
namespace {

constexpr int kMostPriority = 1000;
constexpr uint64_t kLeastMemory = uint64_t{256} << 20;
constexpr uint64_t kMebibyte = uint64_t{1} << 20;

// The views that a job has, with their paths.
std::vector<std::pair<std::string, const v1::DataView*>> ViewsOf(const v1::DataSpec& data) {
  std::vector<std::pair<std::string, const v1::DataView*>> views = {{"data.train", &data.train()}};
  if (data.has_validation()) views.emplace_back("data.validation", &data.validation());
  if (data.has_test()) views.emplace_back("data.test", &data.test());
  return views;
}

// Checks one job; used once.
class JobChecker {
 public:
  JobChecker(const v1::JobSpec& spec, std::span<const v1::Dataset> datasets,
             const JobLimits& limits, uint64_t drawn_seed)
      : datasets_(datasets), limits_(limits), drawn_seed_(drawn_seed) {
    job_.spec = spec;
  }

  absl::StatusOr<CheckedJob> Check() {
    RETURN_IF_ERROR(CheckNames());
    RETURN_IF_ERROR(CheckKind());
    if (!job_.spec.has_model())
      return base::FieldError(absl::StatusCode::kInvalidArgument, "model", "a model is required");
    absl::StatusOr<Graph> graph = Graph::Create(job_.spec.model(), limits_.model);
    RETURN_IF_ERROR(base::InField(graph.status(), "model"));
    *job_.spec.mutable_model() = graph->spec();
    job_.summary = graph->Summary();
    if (Folds()) {
      RETURN_IF_ERROR(CheckFold(job_.spec, *graph, datasets_));
    } else {
      RETURN_IF_ERROR(CheckTraining(*graph));
      RETURN_IF_ERROR(CheckViews(*graph));
    }
    RETURN_IF_ERROR(CheckResources(*graph));
    return std::move(job_);
  }

 private:
  bool Searches() const { return job_.spec.kind() == v1::JobSpec::TRANSFER_SEARCH; }
  bool Folds() const { return job_.spec.kind() == v1::JobSpec::FOLD; }

  absl::Status CheckNames() {
    v1::JobSpec& spec = job_.spec;
    if (spec.name().empty()) spec.set_name("job");
    RETURN_IF_ERROR(base::CheckName("name", spec.name()));
    if (!spec.publish().model().empty())
      RETURN_IF_ERROR(base::CheckName("publish.model", spec.publish().model()));
    if (!spec.has_priority()) spec.set_priority(0);
    if (spec.priority() < -kMostPriority || spec.priority() > kMostPriority) {
      return base::InvalidArgument(
          "priority", absl::StrCat(spec.priority()),
          absl::StrCat("a number from ", -kMostPriority, " to ", kMostPriority));
    }
    if (spec.time_limit().empty()) return absl::OkStatus();
    const absl::StatusOr<int64_t> limit = base::ParseDuration(spec.time_limit());
    RETURN_IF_ERROR(base::InField(limit.status(), "time_limit"));
    if (*limit < 1)
      return base::InvalidArgument("time_limit", spec.time_limit(), "a time longer than 0");
    job_.time_limit = std::chrono::microseconds(*limit);
    return absl::OkStatus();
  }

  absl::Status CheckTraining(const Graph& graph) {
    v1::JobSpec& spec = job_.spec;
    ASSIGN_OR_RETURN(goals_, CheckGoals(graph, spec));
    RETURN_IF_ERROR(CheckClassWeight());
    RETURN_IF_ERROR(base::InField(optimizers::Check(*spec.mutable_optimizer()), "optimizer"));
    const absl::StatusOr<int64_t> epochs = CheckFit(*spec.mutable_fit(), drawn_seed_);
    RETURN_IF_ERROR(base::InField(epochs.status(), "fit"));
    RETURN_IF_ERROR(base::InField(
        CheckBestEpochs(*spec.mutable_fit()->mutable_checkpoint(), Figures()), "fit.checkpoint"));
    RETURN_IF_ERROR(base::InField(
        callbacks::Check(*spec.mutable_fit()->mutable_callbacks(), Figures()), "fit.callbacks"));
    job_.total_epochs = *epochs;
    RETURN_IF_ERROR(CheckWorkers());
    return base::InField(CheckStages(graph), "fit");
  }

  absl::Status CheckWorkers() const {
    if (job_.spec.kind() == v1::JobSpec::TRAIN || job_.spec.fit().workers().max() == 1)
      return absl::OkStatus();
    return base::FieldError(absl::StatusCode::kInvalidArgument, "fit.workers",
                            "several workers are for jobs of the kind train");
  }

  absl::Status CheckStages(const Graph& graph) {
    v1::Fit& fit = *job_.spec.mutable_fit();
    for (int i = 0; i < fit.stages_size(); ++i) {
      RETURN_IF_ERROR(
          base::InField(callbacks::Check(*fit.mutable_stages(i)->mutable_callbacks(), Figures()),
                        absl::StrCat("stages[", i, "].callbacks")));
    }
    ASSIGN_OR_RETURN(job_.stages, PlanStages(graph, job_.spec.optimizer(), fit));
    for (size_t i = 0; i < job_.stages.size() && job_.total_epochs > 0; ++i) {
      if (job_.stages[i].trainable_params > 0) continue;
      return base::FieldError(absl::StatusCode::kInvalidArgument,
                              fit.stages().empty() ? "epochs" : absl::StrCat("stages[", i, "]"),
                              "there is nothing to train: every layer is frozen or has no weights");
    }
    return absl::OkStatus();
  }

  absl::Status CheckKind() {
    v1::JobSpec& spec = job_.spec;
    if (spec.kind() == v1::JobSpec::KIND_UNSPECIFIED) spec.set_kind(v1::JobSpec::TRAIN);
    if (spec.has_fold() && !Folds()) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "fold",
                              "is for jobs of the kind fold");
    }
    if (spec.has_transfer_search() && !Searches()) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "transfer_search",
                              "is for jobs of the kind transfer_search");
    }
    if (Folds() || (Searches() && !spec.has_find_learning_rate())) return absl::OkStatus();
    if (spec.kind() == v1::JobSpec::TRAIN && !spec.has_find_learning_rate())
      return absl::OkStatus();
    if (spec.kind() != v1::JobSpec::FIND_LEARNING_RATE) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "find_learning_rate",
                              "is for jobs of the kind find_learning_rate");
    }
    if (spec.has_publish()) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "publish",
                              "a search for a learning rate has no model to publish");
    }
    return base::InField(CheckFinder(*spec.mutable_find_learning_rate()), "find_learning_rate");
  }

  absl::Status CheckClassWeight() const {
    const auto& weights = job_.spec.class_weight();
    if (weights.empty()) return absl::OkStatus();
    const losses::Target& target = goals_[0].scored.target;
    const bool of_classes =
        target.form != losses::TargetForm::kValues || (target.probabilities && target.width == 1);
    if (goals_.size() > 1 || !of_classes) {
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, "class_weight",
          goals_.size() > 1
              ? "a model with several outputs has no one class a row"
              : absl::StrCat(losses::Word(*goals_[0].scored.loss), " has no classes to weigh"));
    }
    const int64_t classes = target.form == losses::TargetForm::kValues ? 2 : goals_[0].scored.width;
    const std::map<int64_t, double> sorted(weights.begin(), weights.end());
    for (const auto& [number, weight] : sorted) {
      const std::string path = absl::StrCat("class_weight[", number, "]");
      if (number < 0 || number >= classes) {
        return base::InvalidArgument(path, absl::StrCat(number),
                                     absl::StrCat("one of the classes 0 to ", classes - 1));
      }
      if (!std::isfinite(static_cast<float>(weight)) || weight < 0) {
        return base::InvalidArgument(path, absl::StrCat(weight), "a finite number, 0 or more");
      }
    }
    return absl::OkStatus();
  }

  // Names of what each epoch gives and can be better or worse, what people look at first.
  std::vector<std::string> Figures() const {
    std::vector<std::string> names = {"loss"};
    for (const Goal& goal : goals_) {
      const std::string prefix = goal.name.empty() ? "" : absl::StrCat(goal.name, "_");
      if (!goal.name.empty()) names.push_back(prefix + "loss");
      for (const v1::Metric& metric : goal.metrics) {
        const metrics::MetricKind& kind = *metrics::Find(metric);
        if (kind.higher_is_better.has_value()) names.push_back(prefix + metrics::Word(kind));
      }
    }
    if (!job_.spec.data().has_validation()) return names;
    std::vector<std::string> figures;
    for (const std::string& name : names) figures.push_back(absl::StrCat("val_", name));
    figures.insert(figures.end(), names.begin(), names.end());
    return figures;
  }

  absl::Status CheckViews(const Graph& graph) {
    v1::DataSpec& data = *job_.spec.mutable_data();
    const absl::StatusOr<Columns> columns = FindColumns(graph, goals_, data);
    RETURN_IF_ERROR(base::InField(columns.status(), "data"));
    ASSIGN_OR_RETURN(const std::optional<int64_t> train,
                     CheckView(*data.mutable_train(), "data.train", datasets_, *columns));
    if (data.has_validation()) {
      RETURN_IF_ERROR(
          CheckView(*data.mutable_validation(), "data.validation", datasets_, *columns).status());
    }
    if (data.has_test()) {
      RETURN_IF_ERROR(CheckView(*data.mutable_test(), "data.test", datasets_, *columns).status());
    }
    if (train.has_value()) {
      const int64_t batch = job_.spec.fit().batch_size();
      job_.train_rows = *train;
      job_.steps_per_epoch = (*train + batch - 1) / batch;
    }
    return absl::OkStatus();
  }

  // The most that any stage asks for.
  Load LoadOfStages() const {
    Load load;
    const v1::Fit& fit = job_.spec.fit();
    load.batch_size = fit.batch_size();
    for (const Goal& goal : goals_) {
      load.target_values += goal.scored.target.width;
      for (const v1::Metric& metric : goal.metrics)
        load.kept_values += metrics::Find(metric)->sizes(metric, goal.scored).kept;
    }
    load.resources = {job_.cores, fit.logical_shards()};
    load.workers = fit.workers().min();
    load.several = fit.workers().max() > 1;
    for (const StagePlan& stage : job_.stages) {
      load.trainable_params = std::max(load.trainable_params, stage.trainable_params);
      load.slots =
          std::max(load.slots, static_cast<int>(optimizers::SlotNames(stage.optimizer).size()));
    }
    bool weighted = !job_.spec.class_weight().empty();
    for (const auto& [path, view] : ViewsOf(job_.spec.data())) {
      load.rows += RowsOfSplit(*view);
      weighted = weighted || !view->sample_weight().empty();
    }
    const auto of_classes = std::ranges::count_if(goals_, [](const Goal& goal) {
      return goal.scored.target.form == losses::TargetForm::kClass;
    });
    load.held_values = std::max<int64_t>(of_classes - 1, 0) + (weighted ? 1 : 0);
    load.target_values += weighted ? 1 : 0;
    return load;
  }

  int64_t RowsOfSplit(const v1::DataView& view) const {
    for (const v1::Dataset& dataset : datasets_) {
      if (dataset.name() != view.dataset()) continue;
      for (const v1::Split& split : dataset.splits()) {
        if (split.name() == view.split()) return split.rows();
      }
    }
    return 0;
  }

  absl::Status CheckResources(const Graph& graph) {
    v1::Resources& resources = *job_.spec.mutable_resources();
    if (resources.has_cores() && (resources.cores() < 1 || resources.cores() > limits_.cores)) {
      return base::InvalidArgument("resources.cores", absl::StrCat(resources.cores()),
                                   absl::StrCat("a number from 1 to ", limits_.cores));
    }
    if (Folds()) {
      resources.set_cores(std::max(resources.cores(), 1));
      job_.cores = resources.cores();
      job_.memory_estimate = FoldMemory(graph, job_.cores);
      return CheckMemory(resources);
    }
    if (Searches()) return CheckSearch(graph);
    v1::Fit& fit = *job_.spec.mutable_fit();
    const int workers = fit.workers().max();
    const int most_cores =
        limits_.one_machine ? std::max(1, limits_.cores / workers) : limits_.cores;
    const Resources chosen = ChooseResources(graph, fit.batch_size(), most_cores, resources.cores(),
                                             fit.logical_shards(), workers);
    resources.set_cores(chosen.cores);
    fit.set_logical_shards(chosen.logical_shards);
    job_.cores = chosen.cores;
    if (workers > 1 && fit.batch_size() < chosen.logical_shards) {
      return base::InvalidArgument(
          "fit.batch_size", absl::StrCat(fit.batch_size()),
          absl::StrCat("at least ", chosen.logical_shards, ", a row for each logical shard"));
    }

    job_.memory_estimate = EstimateMemory(graph, LoadOfStages());
    RETURN_IF_ERROR(CheckMemory(resources));
    return CheckFewestWorkers();
  }

  // The fewest workers must fit together.
  absl::Status CheckFewestWorkers() const {
    const int workers = job_.spec.fit().workers().min();
    if (workers == 1 || !limits_.one_machine) return absl::OkStatus();
    const int64_t cores = int64_t{job_.cores} * workers;
    const bool memory_fits = job_.memory_limit <= limits_.memory / static_cast<uint64_t>(workers);
    if (cores <= limits_.cores && memory_fits) return absl::OkStatus();
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, "fit.workers.min",
        absl::StrCat(workers, " workers with ", job_.cores, " cores and ",
                     base::FormatByteSize(job_.memory_limit), " each do not fit: there are ",
                     limits_.cores, " cores and ", base::FormatByteSize(limits_.memory)));
  }

  // Each trial has one core, and memory of its own.
  absl::Status CheckSearch(const Graph& graph) {
    v1::Resources& resources = *job_.spec.mutable_resources();
    if (!resources.has_cores()) resources.set_cores(limits_.cores);
    RETURN_IF_ERROR(CheckTransferSearch(job_.spec, graph, Figures(), resources.cores()));
    v1::Fit& fit = *job_.spec.mutable_fit();
    fit.set_logical_shards(
        ChooseResources(graph, fit.batch_size(), 1, 1, fit.logical_shards()).logical_shards);
    job_.cores = 1;
    job_.memory_estimate = EstimateMemory(graph, LoadOfStages()) *
                           static_cast<uint64_t>(job_.spec.transfer_search().parallel());
    job_.cores = resources.cores();
    return CheckMemory(resources);
  }

  absl::Status CheckMemory(v1::Resources& resources) {
    const std::string needs =
        absl::StrCat("the model needs about ", base::FormatByteSize(job_.memory_estimate));
    if (job_.memory_estimate > limits_.memory) {
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, "model",
          absl::StrCat("is larger than the memory limit: ", needs, ", a job may have ",
                       base::FormatByteSize(limits_.memory)));
    }
    if (resources.memory().empty()) {
      const uint64_t wanted =
          std::max(kLeastMemory, job_.memory_estimate + job_.memory_estimate / 4);
      job_.memory_limit =
          std::min(limits_.memory, (wanted + kMebibyte - 1) / kMebibyte * kMebibyte);
      resources.set_memory(job_.memory_limit % kMebibyte == 0
                               ? absl::StrCat(job_.memory_limit / kMebibyte, "MiB")
                               : absl::StrCat(job_.memory_limit));
      return absl::OkStatus();
    }
    const absl::StatusOr<uint64_t> limit = base::ParseByteSize(resources.memory());
    RETURN_IF_ERROR(base::InField(limit.status(), "resources.memory"));
    if (*limit > limits_.memory) {
      return base::InvalidArgument(
          "resources.memory", resources.memory(),
          absl::StrCat("at most ", base::FormatByteSize(limits_.memory), ", what a job may have"));
    }
    if (*limit < job_.memory_estimate) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "resources.memory",
                              absl::StrCat("the model is larger than the memory limit of ",
                                           resources.memory(), ": ", needs));
    }
    job_.memory_limit = *limit;
    return absl::OkStatus();
  }

  const std::span<const v1::Dataset> datasets_;
  const JobLimits limits_;
  const uint64_t drawn_seed_;
  CheckedJob job_;
  std::vector<Goal> goals_;
};

}  // namespace

std::vector<std::string> DatasetNames(const v1::JobSpec& spec) {
  std::vector<std::string> names;
  for (const auto& [path, view] : ViewsOf(spec.data())) {
    const bool known = std::find(names.begin(), names.end(), view->dataset()) != names.end();
    if (!view->dataset().empty() && !known) names.push_back(view->dataset());
  }
  return names;
}

absl::StatusOr<CheckedJob> CheckJob(const v1::JobSpec& spec, std::span<const v1::Dataset> datasets,
                                    const JobLimits& limits, uint64_t drawn_seed) {
  return JobChecker(spec, datasets, limits, drawn_seed).Check();
}

}  // namespace gradus::graph
