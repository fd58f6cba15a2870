// SPDX-License-Identifier: Apache-2.0
// gradus model push and gradus model import: files become a version of a model.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/pushing.h"
#include "client/cli/text.h"
#include "client/cli/text_file.h"
#include "gradus/model_push.h"
#include "proto/support/parse.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

constexpr size_t kMostDefinition = 1 << 20;

struct Options {
  std::string name;
  std::string path;
  std::string definition;
};

void DeclarePush(Arguments& arguments, Options& options) {
  arguments.Required("NAME", options.name, "The model, whose next version it will be");
  arguments.Required("DIR|FILE", options.path,
                     "A folder that model fetch has written, or a safetensors file");
  arguments.Option("--model", "FILE", options.definition,
                   "The definition that the weights are of, as JSON or YAML [DIR/model.json]");
}

struct ImportOptions {
  std::string name;
  std::string file;
};

void DeclareImport(Arguments& arguments, ImportOptions& options) {
  arguments.Required("NAME", options.name, "The model, whose next version it will be");
  arguments.Required("FILE", options.file, "An ONNX file");
}

absl::Status Send(const std::string& name, const ModelFile& file, Session& session) {
  session.TakeInterrupts();
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const absl::StatusOr<v1::Model> pushed = WatchedPush(
      session, [&](const PushOptions& push) { return PushModel(client, name, file, push); });
  RETURN_IF_ERROR(SayHowPushGoesOn(pushed.status(), session));
  const v1::Model& model = *pushed;
  const std::string ref = absl::StrCat(model.name(), "@", model.version());
  const Output& out = session.out();
  if (out.json()) return out.Json(model);
  if (out.quiet()) out.Text(absl::StrCat(ref, "\n"));
  out.Line(absl::StrCat(ref, " is there: ", model.layers_size(), " layers, ",
                        Grouped(model.total_params()), " weights"));
  return absl::OkStatus();
}

absl::Status RunPush(const Options& options, Session& session) {
  ModelFile file;
  file.path = options.path;
  std::string definition = options.definition;
  std::error_code error;
  if (!std::filesystem::exists(options.path, error)) {
    return absl::NotFoundError(absl::StrCat(
        options.path, ": ", error ? error.message() : "there is no such file or folder"));
  }
  if (std::filesystem::is_directory(options.path, error)) {
    file.path = absl::StrCat(options.path, "/weights.safetensors");
    if (definition.empty()) definition = absl::StrCat(options.path, "/model.json");
  }
  if (definition.empty()) {
    return support::UsageError(
        "weights need the definition that they are of: --model FILE, such as the model.json that "
        "model fetch writes");
  }
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(definition, kMostDefinition));
  absl::StatusOr<v1::ModelSpec> spec = support::Parse<v1::ModelSpec>(text);
  if (!spec.ok()) return support::Annotate(spec.status(), definition);
  file.definition = *std::move(spec);
  return Send(options.name, file, session);
}

absl::Status RunImport(const ImportOptions& options, Session& session) {
  return Send(options.name,
              {.path = options.file, .format = v1::UploadFile::ONNX, .definition = {}}, session);
}

}  // namespace

const Command kModelPush = {"model", "push", "Send a definition and weights to become a model",
                            "  gradus model fetch fashion-a --output mine\n"
                            "  gradus model push fashion-mine mine\n"
                            "  gradus model push base weights.safetensors --model model.json\n",
                            &Bind<Options, DeclarePush, RunPush>};

const Command kModelImport = {"model", "import", "Make a model of an ONNX file",
                              "  gradus model import resnet resnet18.onnx\n",
                              &Bind<ImportOptions, DeclareImport, RunImport>};

}  // namespace gradus::cli
