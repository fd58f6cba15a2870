// SPDX-License-Identifier: Apache-2.0
// gradus model fetch.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/model/fetching.h"
#include "gradus/model_cache.h"
#include "gradus/model_fetch.h"
#include "gradus/profile.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  std::string output;
  std::string layers;
  std::string format = "safetensors";
  std::string cache;
  bool offline = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
  arguments.Option("-o,--output", "DIR", options.output,
                   "Folder to write to [the cache, whose folder is printed]");
  arguments.Option(
      "--layers", "LAYERS", options.layers,
      "Only these layers' weights: names with commas between, or a slice such as \":-1\"");
  arguments.Option("--format", "FORMAT", options.format,
                   "safetensors, or onnx: the whole network as one file [safetensors]");
  arguments.Option("--cache", "DIR", options.cache,
                   "Where fetched models are kept [GRADUS_CACHE, else ~/.cache/gradus]");
  arguments.Flag("--offline", options.offline, "Take what the cache has, without the server");
}

std::vector<std::string> LayersOf(const Options& options) {
  if (options.layers.empty()) return {};
  return absl::StrSplit(options.layers, ',');
}

absl::Status IntoFolder(const Options& options, Session& session) {
  FetchOptions fetch{.layers = LayersOf(options)};
  ASSIGN_OR_RETURN(fetch.format, FormatOf(options.format));
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Model model, Watched(fetch, session, [&](const FetchOptions& watched) {
                     return FetchModel(client, options.ref, options.output, watched);
                   }));
  const Output& out = session.out();
  if (out.json()) return out.Json(model);
  if (out.quiet()) out.Text(absl::StrCat(model.name(), "@", model.version(), "\n"));
  out.Line(absl::StrCat(model.name(), "@", model.version(), " is in ", options.output,
                        ": model.json, ", FileName(fetch.format), ", README.md"));
  return absl::OkStatus();
}

absl::StatusOr<Snapshot> Cached(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Profile profile, LoadProfile(session.profile()));
  ASSIGN_OR_RETURN(std::string root, CachePath(options.cache));
  const ModelCache cache(std::move(root), profile);
  if (options.offline) return cache.Find(options.ref, LayersOf(options));
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  return Watched({.layers = LayersOf(options)}, session, [&](const FetchOptions& watched) {
    return cache.Fetch(client, options.ref, watched);
  });
}

absl::Status IntoCache(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Snapshot snapshot, Cached(options, session));
  const Output& out = session.out();
  const std::string version = absl::StrCat(snapshot.name, "@", snapshot.version);
  if (out.json()) {
    v1::CachedModel fetched;
    fetched.set_name(snapshot.name);
    fetched.set_version(snapshot.version);
    fetched.set_folder(snapshot.folder);
    return out.Json(fetched);
  }
  if (out.quiet()) out.Text(snapshot.folder + "\n");
  out.Line(absl::StrCat(version, " is in ", snapshot.folder));
  return absl::OkStatus();
}

absl::Status Run(const Options& options, Session& session) {
  if (options.offline && !options.output.empty())
    return gradus::support::UsageError(
        "--offline takes what the cache has; --output wants the server");
  ASSIGN_OR_RETURN(const v1::FetchModelRequest::Format format, FormatOf(options.format));
  if (format == v1::FetchModelRequest::ONNX && options.output.empty())
    return support::UsageError("--format onnx wants --output; the cache has safetensors");
  session.TakeInterrupts();
  return SayHowItGoesOn(
      options.output.empty() ? IntoCache(options, session) : IntoFolder(options, session), session);
}

}  // namespace

const Command kModelFetch = {"model", "fetch", "Fetch a model's definition and weights",
                             "  gradus model fetch fashion-a --output fashion-a\n"
                             "  gradus model fetch fashion-a@1 --layers \":-1\"\n"
                             "  cd $(gradus model fetch fashion-a -q --offline)\n"
                             "  gradus model fetch fashion-a --format onnx --output fashion-a\n",
                             &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
