// SPDX-License-Identifier: Apache-2.0
#include "gradus/model_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FakeConnection;
using ::testing::HasSubstr;

std::string FileOf(const std::string& header, std::vector<float> values) {
  std::string file(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(file.data(), &length, sizeof(length));
  return file + header +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

// The later tensor is named first.
const char kTwo[] =
    R"({"__metadata__":{"a":"b"},"out/bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},
        "out/kernel":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";

TEST(ModelTensorsTest, TensorsComeByTheirNamesAndInTheFilesOrder) {
  const auto server = std::make_shared<FakeConnection>();
  v1::Model& model = server->models["m@1"];
  model.set_name("m");
  model.set_version(1);
  server->weights = FileOf(kTwo, {1.5, -2, 7});
  const Client client{server, testing::Impatient()};
  const auto fetched = FetchModel(client, "m@1", std::vector<std::string>{"out"});
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->model.version(), 1);
  ASSERT_EQ(fetched->tensors.size(), 2u);
  EXPECT_EQ(fetched->tensors[0].name, "out/kernel");
  EXPECT_THAT(fetched->tensors[0].shape, ElementsAre(2, 1));
  EXPECT_THAT(fetched->tensors[0].values, ElementsAre(1.5, -2));
  EXPECT_THAT(fetched->Find("out/bias")->values, ElementsAre(7));
  EXPECT_EQ(fetched->Find("in/bias"), nullptr);
}

TEST(ModelTensorsTest, AModelThatIsNotThereIsToldAsSuch) {
  const auto server = std::make_shared<FakeConnection>();
  const Client client{server, testing::Impatient()};
  EXPECT_TRUE(absl::IsNotFound(FetchModel(client, "m@1", std::vector<std::string>{}).status()));
}

TEST(ModelTensorsTest, WhatIsNoSuchFileIsRefusedWithItsName) {
  const testing::Folder folder;
  const std::string header = kTwo;
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = header;
    return FileOf(other.replace(other.find(from), from.size(), to), {1, 2, 3});
  };
  const std::string whole = FileOf(header, {1, 2, 3});
  for (const std::string& bytes :
       {std::string(), whole.substr(0, 7), whole.substr(0, 40), whole.substr(0, whole.size() - 1),
        FileOf("[", {}), changed("F32", "F16"), changed("[2,1]", "[3,1]"),
        changed("[0,8]", "[1,8]"), changed("[0,8]", "[8,0]"), changed("[8,12]", "[12,16]"),
        changed("[8,12]", "[0,4]"), changed("[2,1]", "[-2,-1]"),
        changed("[2,1]", "[4611686018427387904,4]"), changed("[2,1]", "\"two\"")}) {
    const auto tensors = ReadTensors(folder.Write("weights", bytes));
    EXPECT_TRUE(absl::IsInvalidArgument(tensors.status())) << bytes << tensors.status();
    EXPECT_THAT(tensors.status().message(), HasSubstr("weights: "));
  }
  EXPECT_TRUE(ReadTensors(folder.Write("weights", whole)).ok());
}

}  // namespace
}  // namespace gradus
