// SPDX-License-Identifier: Apache-2.0
// gradus model fold.
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "proto/support/parse.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  std::string data;
  std::string max_difference;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
  arguments.Option("--data", "NAME[VIEW]", options.data,
                   "Rows to compare the outputs on: a dataset, then a view of it as in a job file "
                   "[those of the model's validation]");
  arguments.Option("--max-difference", "NUMBER", options.max_difference,
                   "How much outputs may differ [0.0001]");
}

// "digits[split: test, scale: 0.5]".
absl::StatusOr<v1::DataView> ReadView(const std::string& text) {
  const size_t open = text.find('[');
  v1::DataView view;
  if (open != std::string::npos) {
    if (!absl::EndsWith(text, "]"))
      return support::UsageError(
          absl::StrCat("--data ", support::Shown(text), ": no ] at the end of the view"));
    const absl::StatusOr<v1::DataView> given = support::Parse<v1::DataView>(
        absl::StrCat("{", text.substr(open + 1, text.size() - open - 2), "}"));
    if (!given.ok()) return support::UsageError(absl::StrCat("--data ", given.status().message()));
    view = *given;
  }
  if (open == 0 || text.empty() || !view.dataset().empty()) {
    return support::UsageError(absl::StrCat("--data ", support::Shown(text),
                                            ": a dataset's name, then perhaps a view of it, as in "
                                            "digits[split: test]"));
  }
  view.set_dataset(text.substr(0, open));
  return view;
}

absl::StatusOr<v1::JobSpec> SpecOf(const Options& options) {
  v1::JobSpec spec;
  spec.set_name("fold");
  spec.set_kind(v1::JobSpec::FOLD);
  spec.mutable_fold()->set_model(options.ref);
  if (!options.data.empty()) {
    ASSIGN_OR_RETURN(*spec.mutable_data()->mutable_test(), ReadView(options.data));
  }
  if (options.max_difference.empty()) return spec;
  double most = 0;
  if (!absl::SimpleAtod(options.max_difference, &most)) {
    return support::UsageError(absl::StrCat(
        "--max-difference ", support::Shown(options.max_difference), " is not a number"));
  }
  spec.mutable_fold()->set_max_difference(most);
  return spec;
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::JobSpec spec, SpecOf(options));
  session.TakeInterrupts();
  ASSIGN_OR_RETURN(const v1::Job job, Submit(session, spec));
  const Output& out = session.out();
  if (out.json()) RETURN_IF_ERROR(out.Json(job));
  out.Line(absl::StrCat("job ", job.id(), " folds ", job.spec().fold().model()));
  RETURN_IF_ERROR(FollowToResult(session, job));
  if (!out.quiet()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Job finished, client.GetJob(job.id()));
  out.Text(finished.published() + "\n");
  return absl::OkStatus();
}

}  // namespace

const Command kModelFold = {
    "model", "fold", "Merge normalizations into the weights beside them, as a new version",
    "  gradus model fold fashion-bn\n"
    "  gradus model fold fashion-bn@1 --data \"fashion-mnist[split: test, scale: 0.0039]\"\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
