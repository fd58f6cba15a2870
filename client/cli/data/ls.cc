// SPDX-License-Identifier: Apache-2.0
// gradus data ls.
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  int limit = 1000;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Option("--limit", "N", options.limit, 1, 1'000'000, "At most so many [1000]");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const std::vector<v1::Dataset> datasets, client.ListDatasets(options.limit));
  v1::ListDatasetsResponse all;
  all.mutable_datasets()->Assign(datasets.begin(), datasets.end());
  return session.out().List(all, DatasetRow(), "name",
                            "There are no datasets. `gradus data push NAME DIR` makes one.");
}

}  // namespace

const Command kDataLs = {"data", "ls", "List datasets", "  gradus data ls\n",
                         &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
