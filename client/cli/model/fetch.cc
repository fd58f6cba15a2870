// SPDX-License-Identifier: Apache-2.0
// gradus model fetch.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "gradus/model_fetch.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  std::string output;
  std::string layers;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
  arguments.Option("-o,--output", "DIR", options.output, "Folder to write to [the model's name]");
  arguments.Option(
      "--layers", "LAYERS", options.layers,
      "Only these layers' weights: names with commas between, or a slice such as \":-1\"");
}

absl::StatusOr<v1::Model> Fetch(const Options& options, const std::string& folder,
                                Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  const bool drawn = out.people() && out.is_terminal();
  FetchOptions fetch;
  if (!options.layers.empty()) fetch.layers = absl::StrSplit(options.layers, ',');
  if (drawn) {
    fetch.progress = [&out](int64_t done, int64_t total) {
      out.Draw(absl::StrFormat("\r\x1b[K%s of %s", ByteSize(done), ByteSize(total)));
    };
  }
  const absl::StatusOr<v1::Model> model = FetchModel(client, options.ref, folder, fetch);
  if (drawn) out.Draw("\r\x1b[K");
  return model;
}

absl::Status Run(const Options& options, Session& session) {
  const std::string folder =
      options.output.empty() ? options.ref.substr(0, options.ref.find('@')) : options.output;
  session.TakeInterrupts();
  const absl::StatusOr<v1::Model> fetched = Fetch(options, folder, session);
  if (absl::IsCancelled(fetched.status()) && session.stop().stop_requested()) {
    return absl::CancelledError("stopped; the same command goes on where it was");
  }
  ASSIGN_OR_RETURN(const v1::Model model, fetched);
  const Output& out = session.out();
  if (out.json()) return out.Json(model);
  if (out.quiet()) out.Text(absl::StrCat(model.name(), "@", model.version(), "\n"));
  out.Line(absl::StrCat(model.name(), "@", model.version(), " is in ", folder,
                        ": model.json, weights.safetensors, README.md"));
  return absl::OkStatus();
}

}  // namespace

const Command kModelFetch = {"model", "fetch", "Write a model's definition and weights to a folder",
                             "  gradus model fetch fashion-a --output fashion-a\n"
                             "  gradus model fetch fashion-a@1 --layers \":-1\"\n",
                             &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
