// SPDX-License-Identifier: Apache-2.0
// The check of whole jobs: what is filled in, and what is refused with which words.
#include "engine/graph/job_check.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "engine/base/status.h"

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kJob[] = R"(
  model { input_shape: 28 input_shape: 28 layers { flatten {} } layers { dense { units: 100 activation { relu {} } } }
          layers { dense { units: 8 activation { softmax {} } } } }
  data { train { dataset: "fashion" labels: 1 labels: 3 labels: 4 labels: 5 labels: 6 labels: 7 labels: 8 labels: 9 } }
  loss { sparse_categorical_crossentropy {} } metrics { accuracy {} } fit { epochs: 20 })";

v1::JobSpec Job() {
  v1::JobSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kJob, &spec));
  return spec;
}

v1::Dataset Fashion() {
  v1::Dataset dataset;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    name: "fashion"
    splits { name: "train" rows: 1000
             columns { name: "x" dtype: "U8" shape: 28 shape: 28 } columns { name: "y" dtype: "U8" } }
    splits { name: "floats" rows: 10
             columns { name: "x" dtype: "F32" shape: 28 shape: 28 } columns { name: "y" dtype: "F32" } })",
                                                            &dataset));
  for (int label = 0; label < 10; ++label)
    (*dataset.mutable_splits(0)->mutable_columns(1)->mutable_label_counts())[label] = 100;
  return dataset;
}

constexpr JobLimits kLimits = {.model = {}, .cores = 2, .memory = uint64_t{4} << 30};

absl::StatusOr<CheckedJob> Check(const v1::JobSpec& spec, const JobLimits& limits = kLimits) {
  const std::vector<v1::Dataset> datasets = {Fashion()};
  return CheckJob(spec, datasets, limits, 4711);
}

// The error of the job after `text` is merged into it; its field path must be the start of the
// message.
std::string ErrorOf(const v1::JobSpec& spec, const JobLimits& limits = kLimits) {
  const absl::Status status = Check(spec, limits).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  const std::optional<std::string> field = base::FieldOf(status);
  EXPECT_TRUE(field.has_value()) << status;
  const std::string message(status.message());
  EXPECT_THAT(message, StartsWith(field.value_or("?") + ": "));
  return message;
}

std::string ErrorWith(const std::string& text) {
  v1::JobSpec spec = Job();
  v1::JobSpec change;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &change)) << text;
  spec.MergeFrom(change);
  return ErrorOf(spec);
}

TEST(JobCheckTest, FillsInEveryDefault) {
  const absl::StatusOr<CheckedJob> job = Check(Job());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->spec.name(), "job");
  EXPECT_EQ(job->spec.optimizer().sgd().learning_rate(), 0.01);
  EXPECT_EQ(job->spec.fit().batch_size(), 32);
  EXPECT_EQ(job->spec.fit().seed(), 4711);
  EXPECT_TRUE(job->spec.fit().shuffle());
  EXPECT_EQ(job->spec.fit().checkpoint().every_seconds(), 60);
  EXPECT_EQ(job->spec.fit().checkpoint().keep_best(), 0);
  EXPECT_EQ(job->spec.fit().checkpoint().monitor(), "");
  EXPECT_EQ(job->spec.fit().logical_shards(), 2);
  EXPECT_EQ(job->spec.resources().cores(), 2);
  EXPECT_EQ(job->spec.data().train().split(), "train");
  EXPECT_EQ(job->spec.data().train().scale(), 1);
  EXPECT_EQ(job->total_epochs, 20);
  EXPECT_EQ(job->train_rows, 800);
  EXPECT_EQ(job->steps_per_epoch, 25);
  EXPECT_GE(job->memory_limit, job->memory_estimate);
  EXPECT_EQ(job->summary.layers_size(), 3);
}

TEST(JobCheckTest, WorkersShareTheServer) {
  v1::JobSpec spec = Job();
  const auto one = Check(spec);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->spec.fit().workers().min(), 1);
  EXPECT_EQ(one->spec.fit().workers().max(), 1);
  EXPECT_EQ(one->spec.fit().compress(), v1::NONE);
  spec.mutable_fit()->mutable_workers()->set_max(2);
  const auto elastic = Check(spec);
  ASSERT_TRUE(elastic.ok()) << elastic.status();
  EXPECT_EQ(elastic->spec.fit().workers().min(), 1);
  EXPECT_EQ(elastic->spec.fit().logical_shards(), 2);
  EXPECT_EQ(elastic->spec.resources().cores(), 1);
  const auto again = Check(elastic->spec);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(elastic->spec, again->spec));
}

TEST(JobCheckTest, WorkersThatCannotBeAreRefused) {
  EXPECT_EQ(ErrorWith("fit { workers { min: 0 } }"),
            "fit.workers.min: 0 is not a number from 1 to 256");
  EXPECT_EQ(ErrorWith("fit { workers { max: 257 } }"),
            "fit.workers.max: 257 is not a number from 1 to 256");
  EXPECT_EQ(ErrorWith("fit { workers { min: 3 max: 2 } }"),
            "fit.workers.min: 3 is not a number from 1 to 2, max");
  EXPECT_EQ(ErrorWith("fit { workers { max: 3 } logical_shards: 2 }"),
            "fit.logical_shards: 2 is not at least 3, the workers that share them");
  EXPECT_EQ(ErrorWith("fit { workers { max: 2 } batch_size: 1 }"),
            "fit.batch_size: 1 is not at least 2, a row for each logical shard");
  EXPECT_THAT(ErrorWith("fit { workers { min: 3 } }"),
              StartsWith("fit.workers.min: 3 workers with 1 cores and 256MiB each do not fit"));
  EXPECT_THAT(ErrorWith("fit { workers { min: 2 } } resources { cores: 2 }"),
              StartsWith("fit.workers.min: 2 workers with 2 cores and"));
  EXPECT_THAT(ErrorWith("fit { workers { min: 2 } } resources { memory: \"3GiB\" }"),
              StartsWith("fit.workers.min: 2 workers with 1 cores and 3GiB each"));
  EXPECT_EQ(ErrorWith("kind: FIND_LEARNING_RATE fit { workers { max: 2 } }"),
            "fit.workers: several workers are for jobs of the kind train");
}

TEST(JobCheckTest, WorkersOfOtherMachinesHaveAllOfTheirs) {
  v1::JobSpec spec = Job();
  spec.mutable_fit()->mutable_workers()->set_min(8);
  JobLimits limits = kLimits;
  limits.one_machine = false;
  const auto job = Check(spec, limits);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_GE(job->spec.fit().logical_shards(), 8);
}

TEST(JobCheckTest, TheBestEpochsAreThoseOfAFigureThatThereIs) {
  v1::JobSpec spec = Job();
  v1::Checkpoint& checkpoint = *spec.mutable_fit()->mutable_checkpoint();
  checkpoint.set_keep_best(3);
  const auto checked = [&] { return Check(spec)->spec.fit().checkpoint(); };
  EXPECT_EQ(checked().monitor(), spec.data().has_validation() ? "val_loss" : "loss");
  EXPECT_EQ(checked().mode(), v1::MIN);
  spec.mutable_data()->clear_validation();
  EXPECT_EQ(checked().monitor(), "loss");
  spec.clear_metrics();
  spec.add_metrics()->mutable_accuracy();
  checkpoint.set_monitor("accuracy");
  EXPECT_EQ(checked().mode(), v1::MAX);
  checkpoint.set_mode(v1::MIN);
  EXPECT_EQ(checked().mode(), v1::MIN);
  checkpoint.set_monitor("val_loss");
  EXPECT_THAT(ErrorOf(spec), StartsWith("fit.checkpoint.monitor: \"val_loss\" is not a figure of"));
  checkpoint.set_keep_best(101);
  EXPECT_EQ(ErrorOf(spec), "fit.checkpoint.keep_best: 101 is not a number from 0 to 100");
  checkpoint.set_keep_best(0);
  EXPECT_EQ(ErrorOf(spec),
            "fit.checkpoint.monitor: says which epochs are the best, but keep_best is 0: none are "
            "kept");
  checkpoint.clear_monitor();
  EXPECT_THAT(ErrorOf(spec), StartsWith("fit.checkpoint.mode: says which epochs"));
}

TEST(JobCheckTest, TheEffectiveSpecIsItsOwnEffectiveSpec) {
  const absl::StatusOr<CheckedJob> once = Check(Job());
  ASSERT_TRUE(once.ok());
  const absl::StatusOr<CheckedJob> again = Check(once->spec);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(once->spec, again->spec));
  EXPECT_EQ(once->memory_limit, again->memory_limit);
}

TEST(JobCheckTest, CountsStepsOnlyWhereTheyAreKnown) {
  v1::JobSpec spec = Job();
  spec.mutable_data()->mutable_train()->add_range(0);
  spec.mutable_data()->mutable_train()->add_range(500);
  EXPECT_EQ(Check(spec)->steps_per_epoch, 0);
  spec.mutable_data()->mutable_train()->set_take(100);
  EXPECT_EQ(Check(spec)->steps_per_epoch, 4);
}

TEST(JobCheckTest, ModelsAreCheckedBelowTheirPath) {
  v1::JobSpec spec = Job();
  spec.mutable_model()->mutable_layers(1)->mutable_dense()->set_units(0);
  EXPECT_EQ(ErrorOf(spec), "model.layers[1].dense.units: 0 is not a positive number");
}

TEST(JobCheckTest, NumbersMustBeNumbers) {
  EXPECT_EQ(ErrorWith("optimizer { sgd { learning_rate: nan } }"),
            "optimizer.sgd.learning_rate: nan is not a finite number, 0 or more");
  EXPECT_THAT(ErrorWith("optimizer { sgd { learning_rate: -1 } }"),
              StartsWith("optimizer.sgd.learning_rate: -1 "));
  EXPECT_THAT(ErrorWith("optimizer { sgd { momentum: 1 } }"),
              StartsWith("optimizer.sgd.momentum: 1 "));
  EXPECT_THAT(ErrorWith("data { train { scale: inf } }"), StartsWith("data.train.scale: inf "));
  EXPECT_THAT(ErrorWith("fit { batch_size: 0 }"), StartsWith("fit.batch_size: 0 "));
  EXPECT_THAT(ErrorWith("fit { epochs: -1 }"), StartsWith("fit.epochs: -1 "));
  EXPECT_THAT(ErrorWith("fit { logical_shards: 3 }"), StartsWith("fit.logical_shards: 3 "));
  EXPECT_THAT(ErrorWith("fit { checkpoint { every_seconds: nan } }"),
              StartsWith("fit.checkpoint.every_seconds: nan "));
  EXPECT_THAT(ErrorWith("priority: 1001"), StartsWith("priority: 1001 "));
  EXPECT_THAT(ErrorWith("time_limit: 'soon'"), StartsWith("time_limit: "));
  EXPECT_THAT(ErrorWith("time_limit: '0s'"), StartsWith("time_limit: 0s "));
  EXPECT_THAT(ErrorWith("name: 'a b'"), StartsWith("name: "));
  EXPECT_THAT(ErrorWith("publish { model: '.x' }"), StartsWith("publish.model: "));
}

TEST(JobCheckTest, LossAndMetricsMustFitTheModel) {
  v1::JobSpec spec = Job();
  spec.clear_loss();
  EXPECT_THAT(ErrorOf(spec), StartsWith("loss: a loss is required"));
  spec.mutable_loss()->mutable_mean_squared_error();
  EXPECT_THAT(ErrorOf(spec), StartsWith("metrics[0].accuracy: does not fit mean_squared_error"));
  EXPECT_THAT(ErrorWith("metrics { accuracy {} }"),
              StartsWith("metrics[1]: accuracy is there twice"));
  EXPECT_THAT(ErrorWith("metrics {}"), StartsWith("metrics[1]: nothing is not a metric"));
  spec = Job();
  spec.mutable_model()->mutable_layers(2)->mutable_dense()->set_units(1);
  EXPECT_THAT(ErrorOf(spec),
              StartsWith("loss.sparse_categorical_crossentropy: the model's output of shape (1)"));
}

TEST(JobCheckTest, ViewsMustFitTheDataset) {
  EXPECT_EQ(ErrorWith("data { train { dataset: 'nowhere' } }"),
            "data.train.dataset: \"nowhere\" is not a dataset on this server");
  EXPECT_THAT(ErrorWith("data { test {} }"),
              StartsWith("data.test.dataset: a dataset's name is required"));
  EXPECT_THAT(ErrorWith("data { train { split: 'tset' } }"),
              StartsWith("data.train.split: \"tset\" is not a split of fashion, which has train"));
  EXPECT_THAT(ErrorWith("data { train { range: 0 range: 1001 } }"),
              StartsWith("data.train.range: [0, 1001] is not"));
  EXPECT_THAT(ErrorWith("data { train { range: 5 } }"), StartsWith("data.train.range: [5] is not"));
  EXPECT_THAT(ErrorWith("data { train { take: 801 } }"),
              StartsWith("data.train.take: 801 is not a number from 1 to 800"));
  EXPECT_THAT(ErrorWith("data { train { labels: 77 } }"),
              StartsWith("data.train.labels[8]: 77 is not a label of split train"));
  EXPECT_THAT(ErrorWith("data { train { labels: 9 } }"),
              StartsWith("data.train.labels[8]: 9 is there twice"));
  EXPECT_THAT(ErrorWith("data { train { labels: 0 } }"),
              StartsWith("data.train.labels: 9 labels are more than the model's 8 classes"));
  EXPECT_THAT(ErrorWith("data { validation { dataset: 'fashion' split: 'floats' } }"),
              StartsWith("data.validation: labels of type F32"));
  v1::JobSpec spec = Job();
  spec.mutable_data()->mutable_train()->clear_labels();
  EXPECT_THAT(ErrorOf(spec), StartsWith("data.train.labels: label "));
  spec = Job();
  spec.mutable_model()->set_input_shape(0, 27);
  EXPECT_THAT(
      ErrorOf(spec),
      StartsWith("data.train: rows of shape (28, 28) do not fit model.input_shape (27, 28)"));
}

TEST(JobCheckTest, StagesAreChecked) {
  EXPECT_THAT(ErrorWith("fit { stages { epochs: 1 } }"),
              StartsWith("fit.epochs: cannot be given together with stages"));
  v1::JobSpec spec = Job();
  spec.mutable_fit()->clear_epochs();
  v1::Stage& stage = *spec.mutable_fit()->add_stages();
  EXPECT_THAT(ErrorOf(spec), StartsWith("fit.stages[0].epochs: 0 "));
  stage.set_epochs(3);
  stage.add_freeze(":9");
  EXPECT_THAT(ErrorOf(spec), StartsWith("fit.stages[0].freeze[0]: \":9\" is not"));
  stage.set_freeze(0, ":");
  EXPECT_THAT(ErrorOf(spec), StartsWith("fit.stages[0]: there is nothing to train"));
  stage.set_freeze(0, ":-1");
  stage.set_learning_rate(std::numeric_limits<double>::infinity());
  EXPECT_THAT(ErrorOf(spec), StartsWith("fit.stages[0].learning_rate: inf "));
  stage.set_learning_rate(0.1);
  EXPECT_TRUE(Check(spec).ok());
  EXPECT_EQ(Check(spec)->total_epochs, 3);
}

TEST(JobCheckTest, FreezesStayUntilTheyAreLifted) {
  v1::JobSpec spec = Job();
  v1::Fit& fit = *spec.mutable_fit();
  fit.clear_epochs();
  for (int i = 0; i < 3; ++i) fit.add_stages()->set_epochs(1);
  fit.mutable_stages(0)->add_freeze("dense");
  fit.mutable_stages(2)->add_unfreeze("0:2");
  const auto checked = Check(spec);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_THAT(checked->stages[0].trainable, ElementsAre(true, false, true));
  EXPECT_THAT(checked->stages[1].trainable, ElementsAre(true, false, true));
  EXPECT_THAT(checked->stages[2].trainable, ElementsAre(true, true, true));
}

TEST(JobCheckTest, ModelsLargerThanTheMemoryAreRefused) {
  v1::JobSpec spec = Job();
  spec.mutable_model()->mutable_layers(1)->mutable_dense()->set_units(10'000'000);
  EXPECT_THAT(ErrorOf(spec), HasSubstr("larger than the memory limit"));
  spec = Job();
  spec.mutable_resources()->set_memory("1MiB");
  EXPECT_THAT(ErrorOf(spec),
              StartsWith("resources.memory: the model is larger than the memory limit of 1MiB"));
  spec.mutable_resources()->set_memory("1000GiB");
  EXPECT_THAT(ErrorOf(spec), StartsWith("resources.memory: 1000GiB is not at most"));
  spec.mutable_resources()->set_memory("many");
  EXPECT_THAT(ErrorOf(spec), StartsWith("resources.memory: "));
  spec.mutable_resources()->clear_memory();
  spec.mutable_resources()->set_cores(3);
  EXPECT_THAT(ErrorOf(spec), StartsWith("resources.cores: 3 is not a number from 1 to 2"));
}

class FoldCheckTest : public ::testing::Test {
 protected:
  FoldCheckTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      kind: FOLD fold { model: "fashion-bn@3" } data { test { dataset: "fashion" } }
      model { input_shape: 28 input_shape: 28 layers { flatten {} } layers { dense { units: 100 } }
              layers { batch_normalization {} } layers { dense { units: 3 } } })",
                                                              &spec));
  }
  std::string ErrorWith(const std::string& text) {
    v1::JobSpec changed = spec;
    v1::JobSpec change;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &change)) << text;
    changed.MergeFrom(change);
    return ErrorOf(changed);
  }
  v1::JobSpec spec;
};

TEST_F(FoldCheckTest, FillsInWhatIsLeftOutAndNothingOfTraining) {
  const absl::StatusOr<CheckedJob> job = Check(spec);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->spec.publish().model(), "fashion-bn");
  EXPECT_EQ(job->spec.fold().max_difference(), 1e-4);
  EXPECT_EQ(job->spec.data().test().split(), "train");
  EXPECT_EQ(job->spec.resources().cores(), 1);
  EXPECT_FALSE(job->spec.has_fit() || job->spec.has_loss() || job->spec.has_optimizer());
  EXPECT_EQ(job->total_epochs, 0);
  EXPECT_GE(job->memory_limit, job->memory_estimate);
  const absl::StatusOr<CheckedJob> again = Check(job->spec);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(again->spec, job->spec));
}

// Stored labels that are no classes of the model do not matter, nor does a view without labels.
TEST_F(FoldCheckTest, LooksAtInputsAlone) {
  v1::Dataset bare = Fashion();
  bare.mutable_splits(0)->mutable_columns()->RemoveLast();
  const auto job = CheckJob(spec, std::vector<v1::Dataset>{bare}, kLimits, 1);
  EXPECT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(ErrorWith("data { test { labels: 77 } }").find("data.test.labels[0]: 77"), 0U);
  spec.mutable_model()->set_input_shape(0, 27);
  EXPECT_THAT(ErrorOf(spec),
              StartsWith("data.test: rows of shape (28, 28) do not fit model.input_shape"));
}

TEST_F(FoldCheckTest, RefusesWhatHasNoMeaning) {
  for (const char* field : {"data { train {} }", "data { validation {} }", "loss {}",
                            "optimizer {}", "metrics {}", "fit {}", "find_learning_rate {}"})
    EXPECT_THAT(ErrorWith(field), HasSubstr("has no meaning in a job that folds a model"));
  EXPECT_THAT(ErrorWith("fold { max_difference: -1 }"), StartsWith("fold.max_difference: -1"));
  EXPECT_THAT(ErrorWith("fold { max_difference: nan }"), StartsWith("fold.max_difference: nan"));
  EXPECT_THAT(ErrorWith("resources { cores: 3 }"), StartsWith("resources.cores: 3"));
  v1::JobSpec changed = spec;
  changed.clear_fold();
  EXPECT_THAT(ErrorOf(changed), StartsWith("fold.model: a model's reference is required"));
  changed = spec;
  changed.clear_data();
  EXPECT_THAT(ErrorOf(changed), StartsWith("data.test: rows to compare the outputs on"));
  changed = spec;
  changed.mutable_model()->mutable_layers()->DeleteSubrange(2, 1);
  EXPECT_THAT(ErrorOf(changed), StartsWith("fold.model: fashion-bn@3 has nothing to fold"));
  v1::JobSpec training = Job();
  training.mutable_fold()->set_model("net");
  EXPECT_EQ(ErrorOf(training), "fold: is for jobs of the kind fold");
}

TEST(JobCheckTest, ListsEachDatasetOnce) {
  v1::JobSpec spec = Job();
  spec.mutable_data()->mutable_validation()->set_dataset("other");
  spec.mutable_data()->mutable_test()->set_dataset("fashion");
  EXPECT_THAT(DatasetNames(spec), ElementsAre("fashion", "other"));
}

v1::JobSpec WideAndDeepJob() {
  v1::JobSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    model { inputs { name: "wide" shape: 2 } inputs { name: "deep" shape: 3 }
            layers { name: "aux" inputs: "deep" dense { units: 2 activation { softmax {} } } }
            layers { name: "both" inputs: "wide" inputs: "aux" concatenate {} }
            layers { name: "main" dense { units: 1 } }
            outputs: "main" outputs: "aux" }
    data { train { dataset: "houses" sample_weight: "w" }
           inputs { input: "wide" column: "x" part: 0 part: 2 }
           inputs { input: "deep" column: "x" part: 1 part: 4 }
           targets { output: "main" column: "price" } }
    loss { mean_squared_error {} } metrics { mean_absolute_error {} }
    outputs { name: "aux" loss { sparse_categorical_crossentropy {} } loss_weight: 0.2
              metrics { accuracy {} } })",
                                                            &spec));
  return spec;
}

absl::StatusOr<CheckedJob> CheckHouses(const v1::JobSpec& spec) {
  std::vector<v1::Dataset> datasets(1);
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    name: "houses"
    splits { name: "train" rows: 100
             columns { name: "x" dtype: "F32" shape: 4 } columns { name: "price" dtype: "F32" }
             columns { name: "aux" dtype: "U8" label_counts { key: 0 value: 60 }
                       label_counts { key: 1 value: 40 } }
             columns { name: "w" dtype: "F32" } })",
                                                            &datasets[0]));
  return CheckJob(spec, datasets, kLimits, 4711);
}

TEST(JobCheckTest, FillsInWhatEachOutputIsTrainedFor) {
  const absl::StatusOr<CheckedJob> job = CheckHouses(WideAndDeepJob());
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_EQ(job->spec.outputs_size(), 2);
  EXPECT_EQ(job->spec.outputs(0).name(), "main");
  EXPECT_TRUE(job->spec.outputs(0).loss().has_mean_squared_error());
  EXPECT_TRUE(job->spec.outputs(0).metrics(0).has_mean_absolute_error());
  EXPECT_EQ(job->spec.outputs(0).loss_weight(), 1);
  EXPECT_EQ(job->spec.outputs(1).loss_weight(), 0.2);
  ASSERT_EQ(job->spec.data().targets_size(), 2);
  EXPECT_EQ(job->spec.data().targets(1).column(), "aux");
  const absl::StatusOr<CheckedJob> again = CheckHouses(job->spec);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(job->spec, again->spec));
}

TEST(JobCheckTest, FiguresOfOutputsCanBeWatched) {
  v1::JobSpec spec = WideAndDeepJob();
  spec.mutable_fit()->add_callbacks()->mutable_early_stopping()->set_monitor("aux_accuracy");
  EXPECT_TRUE(CheckHouses(spec).ok()) << CheckHouses(spec).status();
  spec.mutable_fit()->mutable_callbacks(0)->mutable_early_stopping()->set_monitor("main_accuracy");
  EXPECT_THAT(CheckHouses(spec).status().message(),
              HasSubstr("fit.callbacks[0].early_stopping.monitor"));
}

TEST(JobCheckTest, SaysWhatIsWrongWithOutputsColumnsAndWeights) {
  const auto error = [](const std::function<void(v1::JobSpec&)>& change) {
    v1::JobSpec spec = WideAndDeepJob();
    change(spec);
    return std::string(CheckHouses(spec).status().message());
  };
  EXPECT_THAT(error([](auto& spec) { spec.mutable_outputs(0)->set_name("au"); }),
              HasSubstr("outputs[0].name: au is not the name of an output; did you mean \"aux\"?"));
  EXPECT_EQ(error([](auto& spec) { *spec.add_outputs() = spec.outputs(0); }),
            "outputs[1].name: aux is there twice");
  EXPECT_THAT(error([](auto& spec) { spec.mutable_outputs(0)->set_loss_weight(-1); }),
              HasSubstr("outputs[1].loss_weight: -1 is not a finite number, 0 or more"));
  EXPECT_THAT(error([](auto& spec) { spec.clear_loss(); }), HasSubstr("outputs[0].loss: "));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_data()->mutable_inputs(0)->set_input("wid"); }),
              HasSubstr("data.inputs[0].input: \"wid\" is not the name of an input of the model, "
                        "which has wide, deep"));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_data()->mutable_inputs(0)->set_part(1, 0); }),
              HasSubstr("data.inputs[0].part: [0, 0] is not [first, end]"));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_data()->mutable_inputs(1)->set_part(1, 5); }),
              HasSubstr("data.train: column \"x\" with rows of shape (4) has no part [1, 5]"));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_data()->mutable_inputs(1)->set_part(1, 3); }),
              HasSubstr("data.train: rows of shape (2) do not fit "
                        "model.inputs[1].shape (3)"));
  EXPECT_THAT(
      error([](auto& spec) { spec.mutable_data()->mutable_inputs()->DeleteSubrange(0, 1); }),
      HasSubstr("data.train: split train has no column \"wide\""));
  EXPECT_THAT(
      error([](auto& spec) { spec.mutable_data()->mutable_train()->set_sample_weight("v"); }),
      HasSubstr("data.train.sample_weight: split train has no column \"v\""));
  EXPECT_THAT(
      error([](auto& spec) { spec.mutable_data()->mutable_train()->set_sample_weight("x"); }),
      HasSubstr("data.train.sample_weight: column \"x\" has 4 values a row"));
  EXPECT_THAT(error([](auto& spec) { (*spec.mutable_class_weight())[0] = 1; }),
              HasSubstr("class_weight: a model with several outputs has no one class a row"));
}

TEST(JobCheckTest, ChecksClassWeights) {
  v1::JobSpec spec = Job();
  (*spec.mutable_class_weight())[7] = 2.5;
  EXPECT_TRUE(Check(spec).ok()) << Check(spec).status();
  (*spec.mutable_class_weight())[8] = 1;
  EXPECT_EQ(ErrorOf(spec), "class_weight[8]: 8 is not one of the classes 0 to 7");
  spec.mutable_class_weight()->erase(8);
  (*spec.mutable_class_weight())[7] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(ErrorOf(spec), "class_weight[7]: inf is not a finite number, 0 or more");
  (*spec.mutable_class_weight())[7] = 1;
  spec.mutable_loss()->mutable_mean_squared_error();
  spec.clear_metrics();
  EXPECT_EQ(ErrorOf(spec), "class_weight: mean_squared_error has no classes to weigh");
}

TEST(JobCheckTest, AModelWithoutNamedOutputsTakesNoneFromTheJob) {
  v1::JobSpec spec = Job();
  spec.add_outputs()->set_name("dense");
  EXPECT_EQ(ErrorOf(spec),
            "outputs: the model names no outputs; say loss and metrics for its last layer");
}

TEST(JobCheckTest, TheOnlyInputMayBeAnyColumn) {
  v1::JobSpec spec = Job();
  spec.mutable_data()->add_inputs()->set_column("z");
  EXPECT_THAT(ErrorOf(spec), HasSubstr("data.train: split train has no column \"z\""));
  spec.mutable_data()->mutable_inputs(0)->set_column("x");
  const absl::StatusOr<CheckedJob> job = Check(spec);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->spec.data().inputs(0).input(), "input");
}

}  // namespace
}  // namespace gradus::graph
