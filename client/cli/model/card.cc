// SPDX-License-Identifier: Apache-2.0
// gradus model card.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text_file.h"
#include "gradus/model_fetch.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

constexpr size_t kMostBytes = 64 << 10;

struct Options {
  std::string ref;
  std::string file;
  bool clear = false;
  std::string licence;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "To print: any reference; to change: one version, as name@3 or name@alias");
  arguments.Option("--file", "FILE", options.file, "The new card, in Markdown; - for the input");
  arguments.Flag("--clear", options.clear, "Take the card away: the generated one takes its place");
  arguments.Option("--licence", "ID", options.licence, "The new licence, such as Apache-2.0");
}

absl::Status Print(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Model model, client.GetModel(options.ref));
  const Output& out = session.out();
  if (out.json()) return out.Json(model);
  out.Text(out.quiet() ? absl::StrCat(model.name(), "@", model.version(), "\n") : ModelCard(model));
  return absl::OkStatus();
}

absl::Status Run(const Options& options, Session& session) {
  if (options.clear && !options.file.empty())
    return support::UsageError("--file and --clear exclude one another");
  if (!options.clear && options.file.empty() && options.licence.empty())
    return Print(options, session);
  v1::UpdateModelRequest changes;
  changes.set_ref(options.ref);
  if (options.clear) changes.set_card("");
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(*changes.mutable_card(), ReadTextFile(options.file, kMostBytes));
  }
  if (!options.licence.empty()) changes.set_licence(options.licence);
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::UpdateModelResponse changed, client.UpdateModel(changes));
  const Output& out = session.out();
  if (out.json()) return out.Json(changed);
  if (out.quiet()) out.Text(changed.ref() + "\n");
  out.Line(absl::StrCat("the card of ", changed.ref(), " is changed"));
  return absl::OkStatus();
}

}  // namespace

const Command kModelCard = {
    "model", "card", "Print or change what is said about a version of a model",
    "  gradus model card fashion-a\n"
    "  gradus model card fashion-a@3 --file README.md --licence Apache-2.0\n"
    "  gradus model card fashion-a@3 --clear\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
