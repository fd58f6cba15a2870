// SPDX-License-Identifier: Apache-2.0
// gradus data show.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string name;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("NAME", options.name, "The dataset's name");
}

// "0: 6,000, 1: 6,000, ..." for the first few classes.
std::string Classes(const v1::Column& column) {
  constexpr size_t kMost = 10;
  const std::map<int64_t, int64_t> sorted(column.label_counts().begin(),
                                          column.label_counts().end());
  std::vector<std::string> words;
  for (const auto& [label, count] : sorted) {
    if (words.size() == kMost) {
      words.push_back("...");
      break;
    }
    words.push_back(absl::StrCat(label, ": ", Grouped(count)));
  }
  return absl::StrJoin(words, ", ");
}

std::string SplitTable(const v1::Dataset& dataset, int width) {
  std::vector<std::vector<std::string>> rows = {
      {"SPLIT", "ROWS", "COLUMN", "TYPE", "SHAPE", "CLASSES"}};
  for (const v1::Split& split : dataset.splits()) {
    for (const v1::Column& column : split.columns()) {
      rows.push_back(
          {support::Printable(split.name(), true), Grouped(split.rows()),
           support::Printable(column.name(), true), support::Printable(column.dtype(), true),
           absl::StrCat("(", absl::StrJoin(column.shape(), ", "), ")"), Classes(column)});
    }
  }
  return Align(rows, {{.cut = true}, {.right = true}, {}, {}, {}, {.cut = true}}, width);
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Dataset dataset, client.GetDataset(options.name));
  const Output& out = session.out();
  RETURN_IF_ERROR(out.Show(dataset, DatasetFacts(), "name"));
  if (out.people()) out.Text("\n" + SplitTable(dataset, out.is_terminal() ? out.width() : 0));
  return absl::OkStatus();
}

}  // namespace

const Command kDataShow = {"data", "show", "Show one dataset: splits, columns, classes",
                           "  gradus data show fashion-mnist\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
