// SPDX-License-Identifier: Apache-2.0
#include "server/registry/datasets.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetsTest : public RegistryFixture {
 protected:
  absl::Status Remove(const std::string& name, const std::string& request_id) {
    v1::RemoveDatasetRequest request;
    request.set_name(name);
    request.set_request_id(request_id);
    return datasets_->Remove({"ann", false}, request);
  }

  absl::StatusOr<v1::ListDatasetsResponse> List(int page_size, const std::string& token = "") {
    v1::ListDatasetsRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    return datasets_->List(request);
  }

  absl::Status Unchanged(const v1::Dataset& dataset) {
    return store_->Read([&](store::ReadTx& tx) { return Datasets::Unchanged(tx, {dataset}); });
  }
};

TEST_F(DatasetsTest, WhatWasAddedIsFoundWithDigestSizeAndTime) {
  const auto added = AddDataset(Description("digits", 10, 'a'));
  ASSERT_TRUE(added.ok()) << added.status();
  const auto found = datasets_->Get("digits");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->SerializeAsString(), added->SerializeAsString());
  EXPECT_EQ(found->size(), 50);
  EXPECT_EQ(found->digest().size(), 64U);
  EXPECT_EQ(found->created_at().seconds(), clock_.NowMicros() / 1'000'000);
  EXPECT_EQ(*datasets_->OwnerOf("digits"), "ann");
}

TEST_F(DatasetsTest, TheDigestIsThatOfTheContentAlone) {
  const auto one = AddDataset(Description("one", 10, 'a'));
  clock_.Advance(5'000'000);
  const auto same = AddDataset(Description("same", 10, 'a'));
  const auto other = AddDataset(Description("other", 10, 'b'));
  ASSERT_TRUE(one.ok() && same.ok() && other.ok());
  EXPECT_EQ(one->digest(), same->digest());
  EXPECT_NE(one->digest(), other->digest());
}

TEST_F(DatasetsTest, ANameIsGivenOnce) {
  ASSERT_TRUE(AddDataset(Description("digits", 10, 'a')).ok());
  const absl::Status again = AddDataset(Description("digits", 10, 'b')).status();
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_EQ(base::FieldOf(again), "dataset");
  EXPECT_THAT(again.message(), HasSubstr("\"digits\""));
}

TEST_F(DatasetsTest, AnotherUserDoesNotRemoveIt) {
  ASSERT_TRUE(AddDataset(Description("digits", 10, 'a')).ok());
  v1::RemoveDatasetRequest request;
  request.set_name("digits");
  request.set_request_id("one");
  EXPECT_TRUE(absl::IsPermissionDenied(datasets_->Remove({"bob", false}, request)));
  EXPECT_TRUE(datasets_->Get("digits").ok());
  EXPECT_TRUE(datasets_->Remove({"root", true}, request).ok());
}

TEST_F(DatasetsTest, OneWhoseBlobIsNotStoredLeavesNothing) {
  v1::Dataset dataset = Description("digits", 10, 'a');
  dataset.mutable_splits(0)->mutable_columns(1)->mutable_blob()->set_sha256(std::string(64, '0'));
  EXPECT_TRUE(absl::IsFailedPrecondition(AddDataset(dataset).status()));
  EXPECT_EQ(Count("datasets"), 0);
  EXPECT_EQ(Count("blob_refs"), 0);
}

TEST_F(DatasetsTest, AnUnknownOneIsNamed) {
  const absl::Status unknown = datasets_->Get("digits\x1b[2J").status();
  EXPECT_TRUE(absl::IsNotFound(unknown));
  EXPECT_THAT(unknown.message(), HasSubstr("digits"));
  EXPECT_EQ(std::string(unknown.message()).find('\x1b'), std::string::npos);
  EXPECT_TRUE(absl::IsNotFound(datasets_->OwnerOf("digits").status()));
}

TEST_F(DatasetsTest, PagesTogetherHoldEachOneOnceByName) {
  for (const char* name : {"d", "a", "c", "e", "b"})
    ASSERT_TRUE(AddDataset(Description(name, 1, *name)).ok());
  std::vector<std::string> names;
  std::vector<int> sizes;
  std::string token;
  do {
    const auto page = List(2, token);
    ASSERT_TRUE(page.ok()) << page.status();
    sizes.push_back(page->datasets_size());
    for (const v1::Dataset& dataset : page->datasets()) names.push_back(dataset.name());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
}

TEST_F(DatasetsTest, APageThatIsJustFullIsTheLast) {
  for (const char* name : {"a", "b"}) ASSERT_TRUE(AddDataset(Description(name, 1, *name)).ok());
  const auto page = List(2);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->datasets_size(), 2);
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(DatasetsTest, APageStaysBelowTheSizeOfAMessage) {
  constexpr int kDatasets = 6;
  for (int i = 0; i < kDatasets; ++i) {
    v1::Dataset dataset = Description(absl::StrCat("d", i), 1, 'a');
    auto& counts = *dataset.mutable_splits(0)->mutable_columns(1)->mutable_label_counts();
    for (int label = 0; label < 20'000; ++label) counts[int64_t{1} << 40 | label] = 1;
    ASSERT_TRUE(AddDataset(dataset).ok());
  }
  int found = 0;
  std::string token;
  int pages = 0;
  do {
    const auto page = List(0, token);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 1U << 20);
    found += page->datasets_size();
    token = page->next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(found, kDatasets);
  EXPECT_GT(pages, 1);
}

TEST_F(DatasetsTest, RefusesPagesThatAreNone) {
  for (const int size : {-1, 1001})
    EXPECT_EQ(base::FieldOf(List(size).status()), "page_size") << size;
  for (const char* token : {"../etc", ".hidden", "a b", "\x1b", "'; DROP TABLE datasets; --"}) {
    EXPECT_EQ(base::FieldOf(List(1, token).status()), "page_token") << token;
  }
  EXPECT_EQ(base::FieldOf(List(1, std::string(100'000, 'a')).status()), "page_token");
}

TEST_F(DatasetsTest, OneInUseIsNotRemoved) {
  ASSERT_TRUE(AddDataset(Description("digits", 10, 'a')).ok());
  in_use_ = [](const std::string& name) { return name == "digits"; };
  const absl::Status refused = Remove("digits", "r1");
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_TRUE(datasets_->Get("digits").ok());
  in_use_ = [](const std::string&) { return false; };
  EXPECT_TRUE(Remove("digits", "r1").ok());
}

TEST_F(DatasetsTest, ARemovedOneLetsItsNameAndItsBlobsGo) {
  const auto digits = AddDataset(Description("digits", 10, 'a'));
  const auto twin = AddDataset(Description("twin", 10, 'a'));
  const auto other = AddDataset(Description("other", 10, 'b'));
  ASSERT_TRUE(digits.ok() && twin.ok() && other.ok());
  ASSERT_TRUE(Remove("digits", "r1").ok());
  ASSERT_TRUE(Remove("other", "r2").ok());
  Collect();
  EXPECT_TRUE(absl::IsNotFound(datasets_->Get("digits").status()));
  EXPECT_TRUE(Has(twin->splits(0).columns(0).blob())) << "the twin has the same bytes";
  EXPECT_FALSE(Has(other->splits(0).columns(0).blob()));
  EXPECT_TRUE(AddDataset(Description("digits", 10, 'c')).ok());
}

TEST_F(DatasetsTest, ARepeatedRemovalIsOneRemoval) {
  ASSERT_TRUE(AddDataset(Description("digits", 10, 'a')).ok());
  ASSERT_TRUE(Remove("digits", "r1").ok());
  ASSERT_TRUE(AddDataset(Description("digits", 10, 'b')).ok());
  EXPECT_TRUE(Remove("digits", "r1").ok());
  EXPECT_TRUE(datasets_->Get("digits").ok()) << "the new one was not meant";
  EXPECT_TRUE(absl::IsNotFound(Remove("nothing", "r2")));
}

TEST_F(DatasetsTest, AJobIsStoredWithTheDatasetsThatItWasCheckedAgainst) {
  const auto digits = AddDataset(Description("digits", 10, 'a'));
  ASSERT_TRUE(digits.ok());
  EXPECT_TRUE(Unchanged(*digits).ok());
  ASSERT_TRUE(Remove("digits", "r1").ok());
  EXPECT_TRUE(absl::IsNotFound(Unchanged(*digits)));
  ASSERT_TRUE(AddDataset(Description("digits", 10, 'b')).ok());
  EXPECT_TRUE(absl::IsAborted(Unchanged(*digits)));
}

}  // namespace
}  // namespace gradus::registry
