// SPDX-License-Identifier: Apache-2.0
#include "server/store/store.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "server/store/connection.h"
#include "server/store/migrations.h"

namespace gradus::store {

using base::Mutex;
using base::MutexLock;

struct Store::Impl {
  StoreOptions options;
  std::string id;
  // Of this process's announcements.
  const std::string sender = base::RandomHex(base::SystemRandom(), 8);
  Mutex write_mu;
  std::unique_ptr<Connection> writer ABSL_GUARDED_BY(write_mu);
  Mutex pool_mu;
  base::CondVar reader_free;
  std::vector<std::unique_ptr<Connection>> readers ABSL_GUARDED_BY(pool_mu);
  mutable Mutex fault_mu;
  absl::Status fault ABSL_GUARDED_BY(fault_mu);

  absl::Status Fault() const {
    MutexLock lock(fault_mu);
    return fault;
  }

  // Others wait until on_fault is done: where that ends the process, nobody is told of the fault,
  // which a rank would take for a last word.
  void Poison(const absl::Status& status) {
    MutexLock lock(fault_mu);
    if (!fault.ok()) return;
    if (options.on_fault) options.on_fault(status);
    fault = absl::DataLossError(
        absl::StrCat("the store has stopped after a fault: ", status.message()));
  }

  absl::Status WriteLocked(Tx& tx, absl::FunctionRef<absl::Status(Tx&)> body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu);
  void FoldLog(bool whole) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu);
  std::unique_ptr<Connection> TakeReader();
  void GiveBack(std::unique_ptr<Connection> reader);
};

namespace {

absl::Status RunOnce(Connection& writer, std::string_view sql, std::span<const Value> args) {
  return writer.Run(
      sql, args, {}, [](std::span<Value>) {}, nullptr);
}

absl::Status BackupBeforeMigration(Connection& writer, const StoreOptions& options) {
  ASSIGN_OR_RETURN(const int version, SchemaVersion(writer));
  if (version == 0 || version >= Migrations().back().version) return absl::OkStatus();
  const std::string copy = absl::StrCat(options.path, ".before-", version + 1);
  const absl::Status removed = options.files->Remove(copy);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  return writer.CopyTo(copy);
}

absl::StatusOr<std::string> StoreId(Connection& writer) {
  // Of servers that begin together one is first.
  const Value made[] = {base::RandomHex(base::SystemRandom(), 16)};
  RETURN_IF_ERROR(RunOnce(writer,
                          "INSERT INTO store_facts (name, value) VALUES ('id', :id)"
                          " ON CONFLICT (name) DO NOTHING",
                          made));
  std::string id;
  const Value text[] = {std::string()};
  RETURN_IF_ERROR(writer.Run(
      "SELECT value FROM store_facts WHERE name = 'id'", {}, text,
      [&id](std::span<Value> row) { id = std::get<std::string>(row[0]); }, nullptr));
  return id;
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() {
  {
    MutexLock lock(impl_->pool_mu);
    impl_->readers.clear();
  }
  // The writer goes last: it folds the log into the file, which nobody else may do.
  MutexLock lock(impl_->write_mu);
  if (impl_->Fault().ok()) impl_->FoldLog(true);
  if (!impl_->Fault().ok()) impl_->writer->KeepLogAtClose();
  impl_->writer.reset();
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  const bool on_file = options.url.empty();
  const std::string& where = on_file ? options.path : options.url;
  ASSIGN_OR_RETURN(auto writer, Connection::Open(where, Access::kWriter));
  if (on_file) RETURN_IF_ERROR(BackupBeforeMigration(*writer, options));
  RETURN_IF_ERROR(Migrate(*writer, Migrations()));
  ASSIGN_OR_RETURN(impl->id, StoreId(*writer));
  RETURN_IF_ERROR(writer->TakeUpLog());
  // SQLite syncs the folder for its log, not for the database's own name.
  if (on_file) RETURN_IF_ERROR(options.files->SyncDir(base::ParentOf(options.path)));
  std::vector<std::unique_ptr<Connection>> readers;
  for (int i = 0; i < options.readers; ++i) {
    ASSIGN_OR_RETURN(auto reader, Connection::Open(where, Access::kReader));
    readers.push_back(std::move(reader));
  }
  {
    MutexLock lock(impl->write_mu);
    impl->writer = std::move(writer);
  }
  {
    MutexLock lock(impl->pool_mu);
    impl->readers = std::move(readers);
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

const std::string& Store::id() const { return impl_->id; }

bool Store::shared() const { return !impl_->options.url.empty(); }

std::unique_ptr<Announcements> Store::Listen(AnnouncementCallbacks callbacks) const {
  if (!shared()) return nullptr;
  return Announcements::Hear(impl_->options.url, impl_->sender, std::move(callbacks));
}

absl::Status Store::fault() const { return impl_->Fault(); }

void Store::Poison(const absl::Status& fault) { impl_->Poison(fault); }

void Store::Impl::FoldLog(bool whole) {
  const absl::Status folded = writer->FoldLog(whole);
  if (!folded.ok()) Poison(folded);
}

absl::Status Store::Impl::WriteLocked(Tx& tx, absl::FunctionRef<absl::Status(Tx&)> body) {
  RETURN_IF_ERROR(Fault());
  absl::Status status = writer->Begin();
  if (status.ok()) {
    status = body(tx);
    // PostgreSQL would keep nothing of it, SQLite what did not fail.
    if (status.ok() && tx.failed())
      status = absl::InternalError("a transaction went on after a statement had failed");
    FAILPOINT("store.before_commit");
    if (status.ok()) status = writer->Commit();
    if (!status.ok()) writer->Rollback();
  }
  if (writer->faulted()) Poison(status);
  // The commit stands whatever becomes of this.
  if (status.ok()) FoldLog(false);
  FAILPOINT("store.after_commit");
  return status;
}

absl::Status Store::Write(absl::FunctionRef<absl::Status(Tx&)> body) {
  std::vector<std::function<void()>> hooks;
  {
    MutexLock lock(impl_->write_mu);
    Tx tx(*impl_->writer, impl_->sender);
    RETURN_IF_ERROR(impl_->WriteLocked(tx, body));
    hooks = std::move(tx.hooks_);
  }
  for (const auto& hook : hooks) hook();
  return absl::OkStatus();
}

std::unique_ptr<Connection> Store::Impl::TakeReader() {
  MutexLock lock(pool_mu);
  reader_free.Wait(pool_mu,
                   [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool_mu) { return !readers.empty(); });
  std::unique_ptr<Connection> reader = std::move(readers.back());
  readers.pop_back();
  return reader;
}

void Store::Impl::GiveBack(std::unique_ptr<Connection> reader) {
  {
    MutexLock lock(pool_mu);
    readers.push_back(std::move(reader));
  }
  reader_free.Signal();
}

absl::Status Store::Read(absl::FunctionRef<absl::Status(ReadTx&)> body) const {
  RETURN_IF_ERROR(impl_->Fault());
  std::unique_ptr<Connection> reader = impl_->TakeReader();
  absl::Status status = reader->Begin();
  if (status.ok()) {
    ReadTx tx(*reader);
    status = body(tx);
    reader->Rollback();
  }
  if (reader->faulted()) impl_->Poison(status);
  impl_->GiveBack(std::move(reader));
  return status;
}

absl::Status Store::Backup(const std::string& path) {
  RETURN_IF_ERROR(impl_->Fault());
  std::unique_ptr<Connection> reader = impl_->TakeReader();
  const absl::Status status = reader->CopyTo(path);
  impl_->GiveBack(std::move(reader));
  return status;
}

}  // namespace gradus::store
