// SPDX-License-Identifier: Apache-2.0
// The names of all commands, each defined in the file of its verb.
#pragma once

namespace gradus::cli {

struct Command;

extern const Command kTrain;
extern const Command kJobSubmit, kJobLs, kJobShow, kJobWatch, kJobWait, kJobLogs, kJobMetrics,
    kJobPause, kJobResume, kJobCancel, kJobPublish, kJobWhy;
extern const Command kDataPush, kDataLs, kDataShow, kDataRm;
extern const Command kModelLs, kModelShow, kModelSummary, kModelFetch, kModelExport, kModelFold,
    kModelPush, kModelImport, kModelAlias, kModelTag, kModelCard, kModelLog, kModelDiff,
    kModelPredict, kModelRetain, kModelRm;
extern const Command kAuthLogin, kAuthWhoami, kAuthLogout;
extern const Command kServerMigrate;

}  // namespace gradus::cli
