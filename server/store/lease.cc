// SPDX-License-Identifier: Apache-2.0
#include "server/store/lease.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::store {
namespace {

struct Row {
  std::string holder;
  std::string address;
  int64_t number = 0;
  int64_t expires_at = 0;
};

absl::StatusOr<std::optional<Row>> Load(ReadTx& tx, const std::string& name) {
  ASSIGN_OR_RETURN(
      auto row,
      (tx.QueryOne<std::string, std::string, int64_t, int64_t>(
          "SELECT holder, address, number, expires_at FROM leases WHERE name = :name", name)));
  if (!row.has_value()) return std::nullopt;
  auto& [holder, address, number, expires_at] = *row;
  return Row{std::move(holder), std::move(address), number, expires_at};
}

absl::Status Save(Tx& tx, const std::string& name, const Row& row) {
  return tx.Execute(
      "INSERT INTO leases (name, holder, address, number, expires_at)"
      " VALUES (:name, :holder, :address, :number, :expires)"
      " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, address = excluded.address,"
      " number = excluded.number, expires_at = excluded.expires_at",
      name, row.holder, row.address, row.number, row.expires_at);
}

}  // namespace

Lease::Lease(Store& store, std::string name, std::string id, std::string address)
    : store_(store), name_(std::move(name)), id_(std::move(id)), address_(std::move(address)) {}

int64_t Lease::number() const {
  base::MutexLock lock(mu_);
  return number_;
}

void Lease::SetNumber(int64_t number) {
  base::MutexLock lock(mu_);
  number_ = number;
}

absl::StatusOr<bool> Lease::Renew() {
  const int64_t ours = number();
  int64_t held = 0;
  RETURN_IF_ERROR(store_.Write([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<Row> found, Load(tx, name_));
    ASSIGN_OR_RETURN(const int64_t now, tx.DatabaseNow());
    Row row = found.value_or(Row());
    const bool renewed = ours != 0 && row.number == ours;
    // One of ours that died left its lease to us.
    if (!renewed && row.expires_at > now && row.holder != id_) return absl::OkStatus();
    if (!renewed) ++row.number;
    held = row.number;
    return Save(tx, name_, {id_, address_, row.number, now + kLeaseMicros});
  }));
  SetNumber(held);
  return held != 0;
}

absl::Status Lease::CheckHeld(ReadTx& tx) const {
  const int64_t ours = number();
  ASSIGN_OR_RETURN(const std::optional<Row> row, Load(tx, name_));
  if (ours != 0 && row.has_value() && row->number == ours) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("another server has taken the lease ", name_));
}

absl::Status Lease::Release() {
  const int64_t ours = number();
  SetNumber(0);
  if (ours == 0) return absl::OkStatus();
  return store_.Write([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<Row> row, Load(tx, name_));
    if (!row.has_value() || row->number != ours) return absl::OkStatus();
    RETURN_IF_ERROR(tx.Announce(kLeaseTopic, name_));
    return Save(tx, name_, {"", "", ours, 0});
  });
}

absl::StatusOr<LeaseHolder> Lease::Holder() const {
  LeaseHolder holder;
  RETURN_IF_ERROR(store_.Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<Row> row, Load(tx, name_));
    ASSIGN_OR_RETURN(const int64_t now, tx.DatabaseNow());
    if (row.has_value() && row->expires_at > now) holder = {row->holder, row->address, row->number};
    return absl::OkStatus();
  }));
  return holder;
}

}  // namespace gradus::store
