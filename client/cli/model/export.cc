// SPDX-License-Identifier: Apache-2.0
// gradus model export.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/model/fetching.h"
#include "gradus/model_fetch.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  std::string format = "onnx";
  std::string output;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref, "name (the newest version), name@3 or name@sha256:...");
  arguments.Option("--format", "FORMAT", options.format,
                   "onnx, which other programs run, or safetensors: the weights alone [onnx]");
  arguments.Option("-o,--output", "FILE", options.output, "File to write [model.onnx]");
}

absl::Status Run(const Options& options, Session& session) {
  FetchOptions fetch;
  ASSIGN_OR_RETURN(fetch.format, FormatOf(options.format));
  const std::string file = options.output.empty() ? FileName(fetch.format) : options.output;
  session.TakeInterrupts();
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const absl::StatusOr<v1::Model> exported = Watched(
      fetch, session,
      [&](const FetchOptions& watched) { return ExportModel(client, options.ref, file, watched); });
  RETURN_IF_ERROR(SayHowItGoesOn(exported.status(), session));
  const v1::Model& model = *exported;
  const Output& out = session.out();
  if (out.json()) return out.Json(model);
  if (out.quiet()) out.Text(absl::StrCat(model.name(), "@", model.version(), "\n"));
  out.Line(absl::StrCat(model.name(), "@", model.version(), " is in ", file));
  return absl::OkStatus();
}

}  // namespace

const Command kModelExport = {
    "model", "export", "Write a model to one file for other programs",
    "  gradus model export fashion-a --format onnx --output fashion-a.onnx\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
