// SPDX-License-Identifier: Apache-2.0
// gradus data push.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "gradus/data_push.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> files;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("NAME", options.name, "Name of the dataset to be");
  arguments.Rest("DIR|SPLIT:COLUMN=FILE", options.files,
                 "A folder with the four IDX files of MNIST and its like, or each file by its "
                 "split and column");
}

// "train:x=FILE".
absl::StatusOr<PushFile> FileOf(const std::string& word) {
  const size_t equals = word.find('=');
  const size_t colon = word.substr(0, equals).find(':');
  if (equals == std::string::npos || colon == std::string::npos || colon == 0 ||
      colon + 1 == equals || equals + 1 == word.size()) {
    return support::UsageError(
        absl::StrCat(support::Shown(word),
                     " is neither a folder nor SPLIT:COLUMN=FILE, such as train:x=images.idx"));
  }
  return PushFile{word.substr(equals + 1), word.substr(0, colon),
                  word.substr(colon + 1, equals - colon - 1)};
}

absl::StatusOr<std::vector<PushFile>> FilesOf(const std::vector<std::string>& words) {
  std::error_code error;
  if (words.size() == 1 && std::filesystem::is_directory(words[0], error))
    return FindIdxFiles(words[0]);
  std::vector<PushFile> files;
  for (const std::string& word : words) {
    ASSIGN_OR_RETURN(PushFile file, FileOf(word));
    files.push_back(std::move(file));
  }
  return files;
}

// One line, drawn again where somebody watches.
class View {
 public:
  explicit View(const Output& out) : out_(out), drawn_(out.people() && out.is_terminal()) {}
  ~View() {
    if (drawn_) out_.Draw("\r\x1b[K");
  }
  void On(const PushProgress& progress) const {
    if (!drawn_) return;
    constexpr const char* kPhases[] = {"reading", "sending", "the server reads"};
    const double percent = progress.total > 0 ? 100.0 * static_cast<double>(progress.done) /
                                                    static_cast<double>(progress.total)
                                              : 0;
    out_.Draw(absl::StrFormat("\r\x1b[K%s  %s of %s  %.0f %%",
                              kPhases[static_cast<size_t>(progress.phase)], ByteSize(progress.done),
                              ByteSize(progress.total), percent));
  }

 private:
  const Output& out_;
  const bool drawn_;
};

std::string RowsText(const v1::Dataset& dataset) {
  std::string text;
  for (const v1::Split& split : dataset.splits()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", split.name(), " ", Grouped(split.rows()),
                    " rows");
  }
  return text;
}

absl::StatusOr<v1::Dataset> Push(const Options& options, const std::vector<PushFile>& files,
                                 Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const View view(session.out());
  PushOptions push;
  push.progress = [&view](const PushProgress& progress) { view.On(progress); };
  return PushDataset(client, options.name, files, push);
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const std::vector<PushFile> files, FilesOf(options.files));
  session.TakeInterrupts();
  const absl::StatusOr<v1::Dataset> dataset = Push(options, files, session);
  if (absl::IsCancelled(dataset.status()) && session.stop().stop_requested()) {
    return absl::CancelledError("stopped; the same command goes on where it was");
  }
  if (!dataset.ok()) return dataset.status();
  const Output& out = session.out();
  if (!out.people()) return out.Show(*dataset, {}, "name");
  out.Line(absl::StrCat("dataset ", dataset->name(), " is there: ", RowsText(*dataset)));
  return absl::OkStatus();
}

}  // namespace

const Command kDataPush = {
    "data", "push", "Send files to become a dataset",
    "  gradus data push fashion-mnist /usr/share/datasets/fashion-mnist\n"
    "  gradus data push digits train:x=images.idx.gz train:y=labels.idx.gz\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
