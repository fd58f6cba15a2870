// SPDX-License-Identifier: Apache-2.0
// The policy table against the proto descriptors: no method without a row, no row without a method.
#include "server/auth/policy.h"

#include <filesystem>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gradus/v1/admin_service.pb.h"
#include "gradus/v1/dataset_service.pb.h"
#include "gradus/v1/job_service.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "gtest/gtest.h"
#include "inference/grpc_predict_v2.pb.h"

namespace gradus::auth {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

std::vector<const FileDescriptor*> ServiceFiles() {
  return {v1::GetJobRequest::descriptor()->file(),
          v1::GetDatasetRequest::descriptor()->file(),
          v1::GetModelRequest::descriptor()->file(),
          v1::WhoAmIRequest::descriptor()->file(),
          v1::Hello::descriptor()->file(),
          inference::ModelInferRequest::descriptor()->file()};
}

std::vector<const MethodDescriptor*> Methods() {
  std::vector<const MethodDescriptor*> methods;
  for (const FileDescriptor* file : ServiceFiles()) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m)
        methods.push_back(file->service(s)->method(m));
    }
  }
  return methods;
}

std::string NameOf(const MethodDescriptor& method) {
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

TEST(Policy, EveryServiceFileIsWalkedHere) {
  std::set<std::string> walked;
  for (const FileDescriptor* file : ServiceFiles()) walked.insert(file->name());
  std::set<std::string> on_disk;
  const std::filesystem::path root(GRADUS_PROTO_DIR);
  for (const auto& entry : std::filesystem::directory_iterator(root / "gradus/v1")) {
    const std::string name = entry.path().filename();
    if (absl::EndsWith(name, "_service.proto")) on_disk.insert("gradus/v1/" + name);
  }
  on_disk.insert("inference/grpc_predict_v2.proto");
  EXPECT_EQ(walked, on_disk);
}

TEST(Policy, EveryMethodHasARow) {
  for (const MethodDescriptor* method : Methods()) {
    EXPECT_NE(FindRule(NameOf(*method)), nullptr) << NameOf(*method);
  }
}

TEST(Policy, EveryRowHasAMethodAndNoneComesTwice) {
  std::set<std::string> methods = {
      "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
  for (const char* name : {"GetTopChannels", "GetServers", "GetServer", "GetServerSockets",
                           "GetChannel", "GetSubchannel", "GetSocket"})
    methods.insert(absl::StrCat("/grpc.channelz.v1.Channelz/", name));
  for (const MethodDescriptor* method : Methods()) methods.insert(NameOf(*method));
  std::set<std::string> rows;
  for (const Rule& rule : Rules()) {
    EXPECT_TRUE(methods.contains(std::string(rule.method))) << rule.method;
    EXPECT_TRUE(rows.insert(std::string(rule.method)).second) << rule.method;
  }
}

TEST(Policy, TheKeyOfEveryRowIsATextFieldOfItsRequest) {
  for (const MethodDescriptor* method : Methods()) {
    const Rule* rule = FindRule(NameOf(*method));
    ASSERT_NE(rule, nullptr);
    const bool keyed = rule->object == Object::kJob || rule->object == Object::kUpload ||
                       rule->object == Object::kDataset || rule->object == Object::kModel;
    EXPECT_EQ(keyed, !rule->key.empty()) << rule->method;
    if (!keyed) continue;
    const auto* field = method->input_type()->FindFieldByName(std::string(rule->key));
    ASSERT_NE(field, nullptr) << rule->method;
    EXPECT_EQ(field->cpp_type(), google::protobuf::FieldDescriptor::CPPTYPE_STRING) << rule->method;
  }
}

TEST(Policy, AMethodThatNamesAnObjectWithItsFirstFieldGuardsIt) {
  // A request that starts with an object's name but whose row says "nothing" would be open to
  // everybody.
  for (const MethodDescriptor* method : Methods()) {
    const Rule* rule = FindRule(NameOf(*method));
    ASSERT_NE(rule, nullptr);
    for (const char* key : {"id", "ref", "name"}) {
      const auto* field = method->input_type()->FindFieldByName(key);
      const bool filter = rule->object == Object::kList || rule->object == Object::kAttempt;
      // What it names is to be.
      if (method->input_type() == v1::PushModelRequest::descriptor()) continue;
      // There "id" is a word of the caller's own.
      if (method->input_type() == inference::ModelInferRequest::descriptor()) continue;
      if (field != nullptr && !filter) {
        EXPECT_EQ(rule->key, key) << rule->method;
      }
    }
  }
}

TEST(Policy, RequestsBelongToOneMethodEach) {
  // The server finds a call's row by its request's type.
  std::set<std::string> requests;
  for (const MethodDescriptor* method : Methods()) {
    EXPECT_TRUE(requests.insert(method->input_type()->full_name()).second) << NameOf(*method);
  }
}

TEST(Policy, WorkersReachTheirServiceAndNothingElse) {
  for (const Rule& rule : Rules()) {
    const bool worker_service = absl::StartsWith(rule.method, "/gradus.v1.WorkerService/");
    const bool allowed = CheckCall(rule, {.role = Role::kWorker, .job = "j1", .attempt = 1}).ok();
    EXPECT_EQ(allowed, worker_service || rule.open) << rule.method;
  }
}

TEST(Policy, PeopleDoNotReachTheWorkersServiceAndOnlyAdminsSeeConnections) {
  for (const Rule& rule : Rules()) {
    const bool worker_service = absl::StartsWith(rule.method, "/gradus.v1.WorkerService/");
    const bool connections = absl::StartsWith(rule.method, "/grpc.channelz.v1.Channelz/");
    EXPECT_EQ(CheckCall(rule, {.user = "ann", .role = Role::kUser}).ok(),
              !worker_service && !connections)
        << rule.method;
    EXPECT_EQ(CheckCall(rule, {.user = "ann", .role = Role::kAdmin}).ok(), !worker_service)
        << rule.method;
  }
}

TEST(Policy, OnlyHealthIsOpen) {
  for (const Rule& rule : Rules()) {
    const bool health = absl::StartsWith(rule.method, "/grpc.health.v1.Health/") ||
                        rule.method == "/inference.GRPCInferenceService/ServerLive" ||
                        rule.method == "/inference.GRPCInferenceService/ServerReady";
    EXPECT_EQ(rule.open, health) << rule.method;
  }
}

TEST(Policy, NoUserChangesWhatIsAnothers) {
  const Principal ann{.user = "ann", .role = Role::kUser};
  const Principal root{.user = "root", .role = Role::kAdmin};
  for (const Rule& rule : Rules()) {
    if (rule.key.empty() || !rule.writes) continue;
    EXPECT_EQ(CheckObject(rule, ann, "bob", "it").code(), absl::StatusCode::kPermissionDenied)
        << rule.method;
    EXPECT_TRUE(CheckObject(rule, ann, "ann", "it").ok()) << rule.method;
    EXPECT_TRUE(CheckObject(rule, root, "bob", "it").ok()) << rule.method;
  }
}

TEST(Policy, JobsAreReadByTheirOwnersAlone) {
  const Principal ann{.user = "ann", .role = Role::kUser};
  for (const Rule& rule : Rules()) {
    if (rule.object != Object::kJob) continue;
    EXPECT_FALSE(CheckObject(rule, ann, "bob", "it").ok()) << rule.method;
  }
}

TEST(Policy, AWorkersTokenIsGoodForItsAttemptAlone) {
  const Rule* attach = FindRule("/gradus.v1.WorkerService/Attach");
  ASSERT_NE(attach, nullptr);
  const Principal rank{.role = Role::kWorker, .job = "j1", .attempt = 2};
  EXPECT_TRUE(CheckAttempt(*attach, rank, "j1", 2).ok());
  EXPECT_FALSE(CheckAttempt(*attach, rank, "j1", 1).ok());
  EXPECT_FALSE(CheckAttempt(*attach, rank, "j1", 3).ok());
  EXPECT_FALSE(CheckAttempt(*attach, rank, "j2", 2).ok());
  EXPECT_FALSE(CheckAttempt(*attach,
                            {.user = "root", .role = Role::kAdmin, .job = "j1", .attempt = 2}, "j1",
                            2)
                   .ok());
}

TEST(Policy, UnknownMethodsHaveNoRow) {
  EXPECT_EQ(FindRule("/gradus.v1.JobService/Getjob"), nullptr);
  EXPECT_EQ(FindRule("/gradus.v1.JobService"), nullptr);
  EXPECT_EQ(FindRule(""), nullptr);
  EXPECT_EQ(FindRule("/grpc.channelz.v1.Channelz/GetEverything"), nullptr);
}

}  // namespace
}  // namespace gradus::auth
