// SPDX-License-Identifier: Apache-2.0
// gradus model log.
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  int limit = 1000;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
  arguments.Option("--limit", "N", options.limit, 1, 1000, "At most so many versions [1000]");
}

// The figure that says most about a model, of those that it has: of the test rather than of the
// validation or of training, a metric rather than the loss.
std::string MainMetric(const v1::ModelLogEntry& entry) {
  const std::map<std::string, double> metrics(entry.metrics().begin(), entry.metrics().end());
  for (const char* prefix : {"test_", "val_", ""}) {
    auto best = metrics.end();
    for (auto at = metrics.begin(); at != metrics.end(); ++at) {
      if (!absl::StartsWith(at->first, prefix)) continue;
      const bool is_loss = absl::EndsWith(at->first, "loss");
      if (best == metrics.end() || (absl::EndsWith(best->first, "loss") && !is_loss)) best = at;
    }
    if (best != metrics.end()) return absl::StrCat(best->first, " ", Metric(best->second));
  }
  return "";
}

// As git prints a commit.
std::string Paragraph(const v1::ModelLogEntry& entry) {
  if (entry.gone()) return absl::StrCat(entry.ref(), "\n    is gone: it was removed\n");
  std::string text = entry.ref();
  if (!entry.aliases().empty())
    absl::StrAppend(&text, " (", absl::StrJoin(entry.aliases(), ", "), ")");
  text += "\n";
  const std::pair<const char*, std::string> facts[] = {
      {"date", entry.has_created_at() ? LocalTime(entry.created_at()) : ""},
      {"owner", entry.owner()},
      {"job", entry.job()},
      {"data", absl::StrJoin(entry.datasets(), ", ")},
      {"result", MainMetric(entry)},
      {"made from", absl::StrJoin(entry.parents(), ", ")},
  };
  for (const auto& [title, value] : facts) {
    if (!value.empty())
      absl::StrAppend(&text, "    ", title, std::string(11 - std::string(title).size(), ' '), value,
                      "\n");
  }
  return text;
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::LogModelResponse log, client.LogModel(options.ref, options.limit));
  const Output& out = session.out();
  if (out.json()) return out.Json(log);
  for (int i = 0; i < log.entries_size(); ++i) {
    if (out.quiet()) {
      out.Text(log.entries(i).ref() + "\n");
    } else {
      out.Text(absl::StrCat(i == 0 ? "" : "\n", Paragraph(log.entries(i))));
    }
  }
  if (log.truncated()) out.Note("There are more.");
  return absl::OkStatus();
}

}  // namespace

const Command kModelLog = {"model", "log", "Show what a model was made from, newest first",
                           "  gradus model log fashion-b\n"
                           "  gradus model log fashion-b@production -q\n",
                           &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
