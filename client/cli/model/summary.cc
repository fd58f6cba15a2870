// SPDX-License-Identifier: Apache-2.0
// gradus model summary: the Keras table, of a published model or of a job file.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/job_file.h"
#include "client/cli/summary_table.h"
#include "proto/support/scalar.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string subject;
  std::vector<std::string> settings;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL|FILE", options.subject, "A model's reference, or a job file");
  arguments.Option("--set", "PATH=VALUE", options.settings,
                   "Change a field of the job file; may be repeated");
}

struct Subject {
  std::string title;
  v1::ModelSummary summary;
};

absl::StatusOr<Subject> OfFile(const Client& client, const Options& options) {
  ASSIGN_OR_RETURN(const v1::JobSpec spec, ReadJobFile(options.subject, options.settings));
  ASSIGN_OR_RETURN(const v1::ValidateJobResponse checked, client.ValidateJob(spec));
  return Subject{checked.effective_spec().name(), checked.summary()};
}

absl::StatusOr<Subject> OfModel(const Client& client, const std::string& ref) {
  const absl::StatusOr<v1::Model> found = client.GetModel(ref);
  // Most such words are files that are somewhere else.
  if (absl::IsNotFound(found.status()) || absl::IsInvalidArgument(found.status())) {
    return absl::Status(
        found.status().code(),
        absl::StrCat(found.status().message(), "; nor is there a file ", support::Shown(ref)));
  }
  ASSIGN_OR_RETURN(const v1::Model model, found);
  Subject subject;
  subject.title = absl::StrCat(model.name(), "@", model.version());
  *subject.summary.mutable_layers() = model.layers();
  subject.summary.set_total_params(model.total_params());
  subject.summary.set_trainable_params(model.trainable_params());
  subject.summary.set_non_trainable_params(model.non_trainable_params());
  return subject;
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  std::error_code error;
  const bool is_file =
      options.subject == "-" || std::filesystem::is_regular_file(options.subject, error);
  ASSIGN_OR_RETURN(const Subject subject,
                   is_file ? OfFile(client, options) : OfModel(client, options.subject));
  const Output& out = session.out();
  if (out.json()) return out.Json(subject.summary);
  if (out.quiet()) {
    for (const v1::LayerSummary& layer : subject.summary.layers()) out.Text(layer.name() + "\n");
    return absl::OkStatus();
  }
  out.Text(SummaryTable(subject.title, subject.summary));
  return absl::OkStatus();
}

}  // namespace

const Command kModelSummary = {
    "model", "summary", "Print a model's layers, shapes and weights",
    "  gradus model summary fashion-a@1\n"
    "  gradus model summary fashion-a.yaml     # checks the job file too\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
