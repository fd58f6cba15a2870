// SPDX-License-Identifier: Apache-2.0
// gradus job submit.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/job_file.h"
#include "client/cli/start_line.h"
#include "client/cli/table.h"
#include "client/cli/text.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> settings;
  bool dry_run = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("FILE", options.file, "Job file, YAML or JSON; - for standard input");
  arguments.Option("--set", "PATH=VALUE", options.settings,
                   "Change a field of the job, such as fit.seed=7; may be repeated");
  arguments.Flag("--dry-run", options.dry_run, "Check everything, run nothing");
}

// At most three names, and how many more.
std::string Names(const google::protobuf::RepeatedPtrField<std::string>& names) {
  constexpr int kShown = 3;
  std::vector<std::string> shown(names.begin(), names.begin() + std::min(names.size(), kShown));
  const std::string text = absl::StrJoin(shown, ", ");
  return names.size() <= kShown ? text
                                : absl::StrCat(text, " and ", names.size() - kShown, " more");
}

std::string StageTable(const v1::ValidateJobResponse& checked, int width) {
  std::vector<std::vector<std::string>> rows = {
      {"STAGE", "EPOCHS", "TRAINS", "WEIGHTS", "FROZEN", "OPTIMIZER", "RATE"}};
  for (int i = 0; i < checked.stages_size(); ++i) {
    const v1::StageSummary& stage = checked.stages(i);
    rows.push_back({absl::StrCat(i + 1), absl::StrCat(stage.epochs()),
                    Names(stage.trainable_layers()), Grouped(stage.trainable_params()),
                    Names(stage.frozen_layers()), stage.optimizer(),
                    absl::StrCat(stage.learning_rate())});
  }
  return Align(rows,
               {{.title = "", .path = ""},
                {.title = "", .path = "", .right = true},
                {.title = "", .path = "", .cut = true},
                {.title = "", .path = "", .right = true, .drop = 2},
                {.title = "", .path = "", .cut = true},
                {.title = "", .path = "", .drop = 1},
                {.title = "", .path = "", .right = true}},
               width);
}

absl::Status DryRun(const Client& client, const v1::JobSpec& spec, const Output& out) {
  ASSIGN_OR_RETURN(const v1::ValidateJobResponse checked, client.ValidateJob(spec));
  if (out.json()) return out.Json(checked);
  out.Line(absl::StrCat("The job is fine: ", Grouped(checked.summary().total_params()),
                        " weights, ", Grouped(checked.summary().trainable_params()),
                        " of them trainable, at most about ", ByteSize(checked.estimated_memory()),
                        " of memory."));
  if (!checked.tensors().empty())
    out.Line(absl::StrCat("Weights: ", StartLine(checked.tensors()), "."));
  if (out.people() && !checked.stages().empty()) out.Text(StageTable(checked, out.width()));
  return absl::OkStatus();
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::JobSpec spec, ReadJobFile(options.file, options.settings));
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  if (options.dry_run) return DryRun(client, spec, out);
  ASSIGN_OR_RETURN(const v1::Job job, client.SubmitJob(spec));
  if (!out.people()) return out.Show(job, {}, "id");
  out.Line(absl::StrCat("job ", job.id(), " (", job.name(),
                        ") is submitted; follow it with: gradus job watch ", job.id()));
  return absl::OkStatus();
}

}  // namespace

const Command kJobSubmit = {"job", "submit", "Submit a job file",
                            "  gradus job submit fashion-a.yaml\n"
                            "  gradus job submit fashion-a.yaml --dry-run\n"
                            "  id=$(gradus job submit fashion-a.yaml --set fit.seed=7 -q)\n",
                            &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
