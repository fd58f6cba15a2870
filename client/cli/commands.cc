// SPDX-License-Identifier: Apache-2.0
// The one table of commands: a new one is a file of its own, its name in commands.h and a word
// here.
#include "client/cli/commands.h"

#include "client/cli/command.h"

namespace gradus::cli {

std::span<const Command* const> Commands() {
  static constexpr const Command* kCommands[] = {
      &kTrain,         &kJobSubmit,    &kJobLs,      &kJobShow,     &kJobWatch,   &kJobWait,
      &kJobLogs,       &kJobMetrics,   &kJobPause,   &kJobResume,   &kJobCancel,  &kJobPublish,
      &kJobWhy,        &kDataPush,     &kDataLs,     &kDataShow,    &kDataRm,     &kModelLs,
      &kModelShow,     &kModelSummary, &kModelFetch, &kModelExport, &kModelFold,  &kModelPush,
      &kModelImport,   &kModelAlias,   &kModelTag,   &kModelCard,   &kModelLog,   &kModelDiff,
      &kModelPredict,  &kModelRetain,  &kModelRm,    &kAuthLogin,   &kAuthWhoami, &kAuthLogout,
      &kServerMigrate,
  };
  return kCommands;
}

}  // namespace gradus::cli
