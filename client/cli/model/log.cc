// SPDX-License-Identifier: Apache-2.0
// gradus model log.
#include <string>
#include <utility>

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

// The figure that says most about a model, of those that it has.
std::string MainMetric(const v1::ModelLogEntry& entry) {
  for (const char* name :
       {"test_accuracy", "val_accuracy", "accuracy", "test_loss", "val_loss", "loss"}) {
    const auto found = entry.metrics().find(name);
    if (found != entry.metrics().end()) return absl::StrCat(name, " ", Metric(found->second));
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
