// SPDX-License-Identifier: Apache-2.0
// gradus server migrate: becomes `gradusd migrate`, since only the server knows how it keeps
// things.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string from;
  std::string store;
  std::string config;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Option("--from", "DIR", options.from, "The folder of a gradusd that does not run");
  arguments.Option("--store", "URL", options.store,
                   "An empty database: postgresql://USER@HOST:PORT/DATABASE, without a password");
  arguments.Option("--config", "FILE", options.config,
                   "The server's settings, which may name the store with its password");
}

// The one beside this program, else the one that the system finds.
std::string Gradusd() {
  std::error_code error;
  const std::filesystem::path beside =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "gradusd";
  return std::filesystem::is_regular_file(beside, error) ? beside.string() : "gradusd";
}

absl::Status Run(const Options& options, Session&) {
  std::vector<std::string> words = {Gradusd(), "migrate",    "--from",
                                    "sqlite",  "--data-dir", options.from};
  if (!options.store.empty()) words.insert(words.end(), {"--store", options.store});
  if (!options.config.empty()) words.insert(words.end(), {"--config", options.config});
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  return absl::NotFoundError(
      absl::StrCat("gradusd cannot be started on this machine: ", std::strerror(errno)));
}

}  // namespace

const Command kServerMigrate = {
    "server", "migrate", "Move a server's store from SQLite to PostgreSQL",
    "  gradus server migrate --from /var/lib/gradus --store postgresql://gradus@db.lab/gradus\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
