// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace gradus::auth {
namespace {

constexpr Reach kNone = Reach::kNone;
constexpr Reach kOwn = Reach::kOwn;
constexpr Reach kAny = Reach::kAny;
constexpr bool kOpen = true;
constexpr bool kWrites = true;

// A laboratory shares its datasets and models: everybody reads them, owners and admins change and
// remove them.
// Jobs and uploads are their owner's. An admin reaches everything but a worker's own service; a
// worker reaches nothing but that.
// clang-format off
constexpr auto kRules = std::to_array<Rule>({
    // method                                     object            key     user   admin  worker
    {"/gradus.v1.JobService/SubmitJob",           Object::kNothing, "",     kAny,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.JobService/ValidateJob",         Object::kNothing, "",     kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.JobService/GetJob",              Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.JobService/ListJobs",            Object::kList,    "",     kOwn,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.JobService/WatchJob",            Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.JobService/PauseJob",            Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.JobService/ResumeJob",           Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.JobService/CancelJob",           Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.JobService/PublishCheckpoint",   Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.JobService/ExplainJob",          Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.JobService/ListMetrics",         Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.JobService/StreamLogs",          Object::kJob,     "id",   kOwn,  kAny,  kNone, !kOpen, !kWrites},

    {"/gradus.v1.DatasetService/BeginUpload",     Object::kNothing, "",     kAny,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.DatasetService/GetUpload",       Object::kUpload,  "id",   kOwn,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.DatasetService/AppendUpload",    Object::kUpload,  "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.DatasetService/FinishUpload",    Object::kUpload,  "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.DatasetService/AbortUpload",     Object::kUpload,  "id",   kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.DatasetService/GetDataset",      Object::kDataset, "name", kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.DatasetService/ListDatasets",    Object::kList,    "",     kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.DatasetService/RemoveDataset",   Object::kDataset, "name", kOwn,  kAny,  kNone, !kOpen, kWrites},

    {"/gradus.v1.ModelService/GetModel",          Object::kModel,   "ref",  kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.ModelService/ListModels",        Object::kList,    "",     kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.ModelService/FetchModel",        Object::kModel,   "ref",  kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.ModelService/PushModel",         Object::kNothing, "",     kAny,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.ModelService/RemoveModel",       Object::kModel,   "ref",  kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.ModelService/SetAlias",          Object::kModel,   "ref",  kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.ModelService/RemoveAlias",       Object::kModel,   "ref",  kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.ModelService/UpdateModel",       Object::kModel,   "ref",  kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.ModelService/SetRetention",      Object::kModel,   "name", kOwn,  kAny,  kNone, !kOpen, kWrites},
    {"/gradus.v1.ModelService/LogModel",          Object::kModel,   "ref",  kAny,  kAny,  kNone, !kOpen, !kWrites},
    {"/gradus.v1.ModelService/DiffModels",        Object::kModel,   "ref",  kAny,  kAny,  kNone, !kOpen, !kWrites},

    // Who may read a model may ask it. Supervisors of other servers probe without a token.
    {"/inference.GRPCInferenceService/ServerLive",     Object::kNothing, "", kAny, kAny,  kAny,  kOpen,  !kWrites},
    {"/inference.GRPCInferenceService/ServerReady",    Object::kNothing, "", kAny, kAny,  kAny,  kOpen,  !kWrites},
    {"/inference.GRPCInferenceService/ServerMetadata", Object::kNothing, "", kAny, kAny,  kNone, !kOpen, !kWrites},
    {"/inference.GRPCInferenceService/ModelReady",     Object::kModel, "name", kAny, kAny, kNone, !kOpen, !kWrites},
    {"/inference.GRPCInferenceService/ModelMetadata",  Object::kModel, "name", kAny, kAny, kNone, !kOpen, !kWrites},
    {"/inference.GRPCInferenceService/ModelInfer",     Object::kModel, "model_name", kAny, kAny, kNone, !kOpen, !kWrites},

    {"/gradus.v1.AdminService/WhoAmI",            Object::kNothing, "",     kAny,  kAny,  kNone, !kOpen, !kWrites},

    {"/gradus.v1.WorkerService/Attach",           Object::kAttempt, "",     kNone, kNone, kOwn,  !kOpen, !kWrites},
    {"/gradus.v1.WorkerService/FetchBlob",        Object::kAttempt, "",     kNone, kNone, kOwn,  !kOpen, !kWrites},
    {"/gradus.v1.WorkerService/UploadBlob",       Object::kAttempt, "",     kNone, kNone, kOwn,  !kOpen, !kWrites},
    {"/gradus.v1.WorkerService/PutNote",          Object::kAttempt, "",     kNone, kNone, kOwn,  !kOpen, !kWrites},
    {"/gradus.v1.WorkerService/GetNotes",         Object::kAttempt, "",     kNone, kNone, kOwn,  !kOpen, !kWrites},

    // A supervisor probes without a token. Reflection shows the contract, so it takes any person's token.
    {"/grpc.health.v1.Health/Check",              Object::kNothing, "",     kAny,  kAny,  kAny,  kOpen,  !kWrites},
    {"/grpc.health.v1.Health/Watch",              Object::kNothing, "",     kAny,  kAny,  kAny,  kOpen,  !kWrites},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                                  Object::kNothing, "",     kAny,  kAny,  kNone, !kOpen, !kWrites},
    // Channelz shows who is connected from where.
    {"/grpc.channelz.v1.Channelz/GetTopChannels",   Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
    {"/grpc.channelz.v1.Channelz/GetServers",       Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
    {"/grpc.channelz.v1.Channelz/GetServer",        Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
    {"/grpc.channelz.v1.Channelz/GetServerSockets", Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
    {"/grpc.channelz.v1.Channelz/GetChannel",       Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
    {"/grpc.channelz.v1.Channelz/GetSubchannel",    Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
    {"/grpc.channelz.v1.Channelz/GetSocket",        Object::kNothing, "",   kNone, kAny,  kNone, !kOpen, !kWrites},
});
// clang-format on

}  // namespace

const char* RoleName(Role role) {
  switch (role) {
    case Role::kUser:
      return "user";
    case Role::kAdmin:
      return "admin";
    case Role::kWorker:
      return "worker";
  }
  return "unknown";
}

std::span<const Rule> Rules() { return kRules; }

const Rule* FindRule(absl::string_view method) {
  const auto* row = std::find_if(kRules.begin(), kRules.end(),
                                 [&](const Rule& rule) { return rule.method == method; });
  return row == kRules.end() ? nullptr : row;
}

Reach ReachOf(const Rule& rule, Role role) {
  switch (role) {
    case Role::kUser:
      return rule.user;
    case Role::kAdmin:
      return rule.admin;
    case Role::kWorker:
      return rule.worker;
  }
  return Reach::kNone;
}

absl::Status CheckCall(const Rule& rule, const Principal& principal) {
  if (rule.open || ReachOf(rule, principal.role) != Reach::kNone) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("a token of role ", RoleName(principal.role), " may not call ", rule.method));
}

absl::Status CheckObject(const Rule& rule, const Principal& principal, const std::string& owner,
                         absl::string_view what) {
  const Reach reach = ReachOf(rule, principal.role);
  if (reach == Reach::kAny || (reach == Reach::kOwn && principal.user == owner))
    return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(what, " belongs to another user"));
}

absl::Status CheckAttempt(const Rule& rule, const Principal& principal, const std::string& job,
                          int32_t attempt) {
  if (ReachOf(rule, principal.role) == Reach::kOwn && principal.role == Role::kWorker &&
      principal.job == job && principal.attempt == attempt) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("this token is not for attempt ", attempt, " of job ", job));
}

}  // namespace gradus::auth
