// SPDX-License-Identifier: Apache-2.0
// gradus data push.
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/pushing.h"
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
  arguments.Rest("DIR|[SPLIT:COLUMN=]FILE", options.files,
                 "A folder with the four IDX files of MNIST and its like, or files: IDX and NPY by "
                 "split and column, NPZ and safetensors by split, or alone where their arrays are "
                 "called x_train, y_train, ...");
}

v1::UploadFile::Format FormatOf(const std::string& path) {
  const std::string suffix =
      absl::AsciiStrToLower(std::filesystem::path(path).extension().string());
  if (suffix == ".npy") return v1::UploadFile::NPY;
  if (suffix == ".npz") return v1::UploadFile::NPZ;
  if (suffix == ".safetensors") return v1::UploadFile::SAFETENSORS;
  return v1::UploadFile::IDX;
}

// "train:x=FILE", "train=FILE.npz" or "FILE.npz".
absl::StatusOr<PushFile> FileOf(const std::string& word) {
  const size_t equals = word.find('=');
  PushFile file;
  file.path = equals == std::string::npos ? word : word.substr(equals + 1);
  file.format = FormatOf(file.path);
  const std::string place = equals == std::string::npos ? "" : word.substr(0, equals);
  const size_t colon = place.find(':');
  const bool has_names =
      file.format == v1::UploadFile::NPZ || file.format == v1::UploadFile::SAFETENSORS;
  file.split = place.substr(0, colon);
  if (colon != std::string::npos) file.column = place.substr(colon + 1);
  const bool fits = has_names ? file.column.empty() && (equals == std::string::npos ||
                                                        (!place.empty() && colon == place.npos))
                              : !file.split.empty() && !file.column.empty();
  if (file.path.empty() || !fits) {
    return support::UsageError(absl::StrCat(
        support::Shown(word),
        has_names ? " is neither FILE nor SPLIT=FILE, such as train=digits.npz"
                  : " is neither a folder nor SPLIT:COLUMN=FILE, such as train:x=images.idx"));
  }
  return file;
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

std::string RowsText(const v1::Dataset& dataset) {
  std::string text;
  for (const v1::Split& split : dataset.splits()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", split.name(), " ", Grouped(split.rows()),
                    " rows");
  }
  return text;
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const std::vector<PushFile> files, FilesOf(options.files));
  session.TakeInterrupts();
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const absl::StatusOr<v1::Dataset> dataset = WatchedPush(session, [&](const PushOptions& push) {
    return PushDataset(client, options.name, files, push);
  });
  RETURN_IF_ERROR(SayHowPushGoesOn(dataset.status(), session));
  const Output& out = session.out();
  if (!out.people()) return out.Show(*dataset, {}, "name");
  out.Line(absl::StrCat("dataset ", dataset->name(), " is there: ", RowsText(*dataset)));
  return absl::OkStatus();
}

}  // namespace

const Command kDataPush = {"data", "push", "Send files to become a dataset",
                           "  gradus data push fashion-mnist /usr/share/datasets/fashion-mnist\n"
                           "  gradus data push digits train:x=images.idx.gz train:y=labels.idx.gz\n"
                           "  gradus data push digits digits.npz\n",
                           &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
