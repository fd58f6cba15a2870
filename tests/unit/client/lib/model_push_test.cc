// SPDX-License-Identifier: Apache-2.0
#include "gradus/model_push.h"

#include <gtest/gtest.h>

#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using testing::FakeConnection;

class ModelPushTest : public ::testing::Test {
 protected:
  ModelPushTest() {
    file.path = folder.Write("weights.safetensors", std::string(5000, 'w'));
    file.definition.emplace().add_layers()->set_name("dense");
    options.chunk = 1000;
  }
  absl::StatusOr<v1::Model> Push() { return PushModel(client, "net", file, options); }

  testing::Folder folder;
  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Client client{server, testing::Impatient()};
  ModelFile file;
  PushOptions options;
};

TEST_F(ModelPushTest, SendsTheFileAndItsDefinitionAndGivesTheVersion) {
  const auto model = Push();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->name(), "net");
  EXPECT_EQ(model->version(), 1);
  EXPECT_EQ(server->uploaded.begin()->second[0], std::string(5000, 'w'));
  EXPECT_EQ(server->pushed_definitions[0].layers(0).name(), "dense");
}

TEST_F(ModelPushTest, ABrokenStreamGoesOnAtTheCommittedByte) {
  server->upload_breaks = {1500, 1};
  ASSERT_TRUE(Push().ok());
  EXPECT_EQ(server->bytes_received, 5000);
}

TEST_F(ModelPushTest, TheSameAgainIsTheSameVersionUnlessThatIsGone) {
  ASSERT_TRUE(Push().ok());
  EXPECT_EQ(Push()->version(), 1);
  EXPECT_EQ(server->bytes_received, 5000);
  server->models.clear();
  EXPECT_EQ(Push()->version(), 2);
}

TEST_F(ModelPushTest, AnotherDefinitionIsAnotherVersion) {
  ASSERT_TRUE(Push().ok());
  file.definition->mutable_layers(0)->set_name("other");
  EXPECT_EQ(Push()->version(), 2);
}

TEST_F(ModelPushTest, AnEmptyFileIsNotSent) {
  file.path = folder.Write("empty", "");
  EXPECT_TRUE(absl::IsInvalidArgument(Push().status()));
  EXPECT_TRUE(server->uploads.empty());
}

}  // namespace
}  // namespace gradus
