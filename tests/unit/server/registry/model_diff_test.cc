// SPDX-License-Identifier: Apache-2.0
// Comparing versions: by name, shape and bytes.
#include <fstream>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/registry/weights.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ModelDiffTest : public RegistryFixture {
 protected:
  std::string Made(
      const std::vector<std::string>& layers, int units, float first,
      const std::function<void(v1::Job&)>& change = [](v1::Job&) {}) {
    v1::Job job = JobOf("net", layers);
    change(job);
    const auto ref = PublishOf(job, WeightsFile(layers, units, first));
    EXPECT_TRUE(ref.ok()) << ref.status();
    return ref.value_or("");
  }

  absl::StatusOr<v1::DiffModelsResponse> Diff(const std::string& first, const std::string& second) {
    v1::DiffModelsRequest request;
    request.set_ref(first);
    request.set_other(second);
    return models_->Diff(request);
  }

  template <typename List>
  static std::vector<std::string> Kinds(const List& differences) {
    std::vector<std::string> kinds;
    for (const v1::ModelDifference& one : differences)
      kinds.push_back(absl::StrCat(one.name(), " ", v1::ModelDifference::Kind_Name(one.kind())));
    return kinds;
  }
};

TEST_F(ModelDiffTest, TheSameWeightsAreTheSame) {
  Made({"a", "b"}, 8, 0);
  Made({"a", "b"}, 8, 0);
  const auto diff = Diff("net@1", "net@2");
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_THAT(Kinds(diff->layers()), ElementsAre("a SAME", "b SAME"));
  EXPECT_THAT(Kinds(diff->tensors()),
              ElementsAre("a/kernel SAME", "a/bias SAME", "b/kernel SAME", "b/bias SAME"));
  EXPECT_EQ(diff->same_tensors(), 4);
  EXPECT_EQ(diff->different_tensors(), 0);
  EXPECT_EQ(diff->first().version(), 1);
  EXPECT_EQ(diff->second().version(), 2);
  EXPECT_EQ(diff->second().metrics().at("loss"), 0.5);
  EXPECT_FALSE(diff->second().has_spec());
  EXPECT_FALSE(diff->truncated());
}

TEST_F(ModelDiffTest, BytesAreComparedWherePiecesAreNotTheSame) {
  // Values count up through the file: of "a" and "b" together the second one's bias alone changes.
  v1::Job job = JobOf("net", {"a", "b"});
  std::string weights = WeightsFile({"a", "b"}, 8);
  ASSERT_TRUE(PublishOf(job, weights).ok());
  weights.back() ^= 1;
  ASSERT_TRUE(PublishOf(job, weights).ok());
  const auto diff = Diff("net@1", "net@2");
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_THAT(Kinds(diff->tensors()),
              ElementsAre("a/kernel SAME", "a/bias SAME", "b/kernel SAME", "b/bias CHANGED"));
}

TEST_F(ModelDiffTest, NamesThatOneAloneHasAndShapesThatDiffer) {
  Made({"a", "b"}, 8, 0);
  Made({"a", "c"}, 4, 0);
  const auto diff = Diff("net@1", "net@2");
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_THAT(Kinds(diff->layers()), ElementsAre("a SAME", "b ONLY_FIRST", "c ONLY_SECOND"));
  EXPECT_THAT(Kinds(diff->tensors()),
              ElementsAre("a/kernel CHANGED", "a/bias CHANGED", "b/kernel ONLY_FIRST",
                          "b/bias ONLY_FIRST", "c/kernel ONLY_SECOND", "c/bias ONLY_SECOND"));
  EXPECT_THAT(diff->tensors(0).first_shape(), ElementsAre(4, 8));
  EXPECT_THAT(diff->tensors(0).second_shape(), ElementsAre(4, 4));
  EXPECT_THAT(diff->tensors(4).first_shape(), IsEmpty());
  EXPECT_EQ(diff->different_tensors(), 6);
}

TEST_F(ModelDiffTest, ALayerWithOtherSettingsHasChanged) {
  Made({"a", "b"}, 8, 0);
  Made({"a", "b"}, 8, 0, [](v1::Job& job) {
    job.mutable_spec()->mutable_model()->mutable_layers(1)->mutable_dense()->set_use_bias(false);
  });
  const auto diff = Diff("net@1", "net@2");
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_THAT(Kinds(diff->layers()), ElementsAre("a SAME", "b CHANGED"));
  EXPECT_EQ(diff->layers(1).first_type(), "dense");
}

TEST_F(ModelDiffTest, EitherReferenceIsCheckedAsAFieldOfItsOwn) {
  Made({"a"}, 4, 0);
  EXPECT_EQ(base::FieldOf(Diff("net@0", "net").status()), "ref");
  EXPECT_EQ(base::FieldOf(Diff("net", "net@0").status()), "other");
  EXPECT_TRUE(absl::IsNotFound(Diff("net", "none").status()));
  EXPECT_TRUE(absl::IsNotFound(Diff("none", "net").status()));
}

TEST_F(ModelDiffTest, DamagedWeightsAreDataLoss) {
  Made({"a"}, 8, 0);
  Made({"a"}, 8, 1);
  const auto index = ReadIndex(*blobs_, models_->Get("net@2")->weights());
  ASSERT_TRUE(index.ok()) << index.status();
  const std::string path = blobs_->PathOf(index->pieces(0).blob().sha256());
  const auto put = [&](char byte) {
    std::fstream blob(path, std::ios::in | std::ios::out | std::ios::binary);
    blob.seekp(0);
    blob.put(byte);
  };
  char before = 0;
  std::ifstream(path, std::ios::binary).get(before);
  put(static_cast<char>(before ^ 1));
  EXPECT_TRUE(absl::IsDataLoss(Diff("net@1", "net@2").status()));
  put(before);
  EXPECT_TRUE(Diff("net@1", "net@2").ok());
}

TEST_F(ModelDiffTest, AnAnswerStaysBelowTheSizeOfAMessageAndItsCountsAreWhole) {
  std::vector<std::string> layers;
  for (int i = 0; i < 4000; ++i) layers.push_back(absl::StrCat(std::string(100, 'l'), i));
  Made(layers, 1, 0);
  Made(layers, 1, 1);
  const auto diff = Diff("net@1", "net@2");
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_LT(diff->ByteSizeLong(), 1U << 20);
  EXPECT_TRUE(diff->truncated());
  EXPECT_EQ(diff->same_tensors() + diff->different_tensors(), 8000);
}

}  // namespace
}  // namespace gradus::registry
