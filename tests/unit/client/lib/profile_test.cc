// SPDX-License-Identifier: Apache-2.0
#include "gradus/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "proto/support/status.h"
#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ProfileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("GRADUS_PROFILE");
    setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  }
  static std::string Text(const std::string& server) {
    return R"({"server": ")" + server +
           R"(", "ca_pem": "-----BEGIN\nX\n", "token": "secret-token"})";
  }
  testing::Folder folder;
};

TEST_F(ProfileTest, TheFlagComesFirstThenTheVariableThenLogin) {
  const std::string flag = folder.Write("flag", Text("flag:1"));
  const std::string variable = folder.Write("variable", Text("variable:1"));
  ASSERT_TRUE(SaveProfile(*ParseProfile(Text("login:1")), *DefaultProfilePath()).ok());
  EXPECT_EQ(LoadProfile()->server(), "login:1");
  setenv("GRADUS_PROFILE", variable.c_str(), 1);
  EXPECT_EQ(LoadProfile()->server(), "variable:1");
  EXPECT_EQ(LoadProfile(flag)->server(), "flag:1");
}

TEST_F(ProfileTest, WhatIsSavedIsForItsOwnerAlone) {
  const std::string path = folder / "deep/er/profile";
  ASSERT_TRUE(SaveProfile(*ParseProfile(Text("a:1")), path).ok());
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((folder / "deep/er").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ(LoadProfile(path)->ca_pem(), "-----BEGIN\nX\n");
}

TEST_F(ProfileTest, AMissingOneSaysWhatToDo) {
  const absl::Status status = LoadProfile().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("gradus auth login"));
  EXPECT_EQ(support::ReasonOf(status), "NO_PROFILE");
}

TEST_F(ProfileTest, ErrorsDoNotShowSecrets) {
  for (const char* text :
       {"{\"token\": [\"secret-token\"]}", "secret-token", "{\"tokn\": \"secret-token\"}",
        "{\"server\": \"x\", \"token\": \"secret-token\"}"}) {
    const absl::Status status = LoadProfile(folder.Write("bad", text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret"))) << text;
  }
}

TEST_F(ProfileTest, AServerHasAHostAndAPort) {
  for (const char* server :
       {"lab", "lab:", ":7077", "lab:0", "lab:65536", "lab:http", "http://lab"}) {
    const absl::Status status = ParseProfile(Text(server)).status();
    EXPECT_EQ(support::FieldOf(status), "server") << server;
  }
  for (const char* server : {"lab:7077", "[::1]:7077", "10.0.0.1:65535"}) {
    EXPECT_TRUE(ParseProfile(Text(server)).ok()) << server;
  }
}

TEST_F(ProfileTest, ADeviceOrAHugeFileIsRefused) {
  EXPECT_FALSE(LoadProfile("/dev/zero").ok());
  EXPECT_FALSE(LoadProfile(folder.Write("huge", std::string(1 << 20, 'x'))).ok());
}

}  // namespace
}  // namespace gradus
