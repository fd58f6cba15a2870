// SPDX-License-Identifier: Apache-2.0
// The rows of models and what hangs on them, inside a transaction.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/model_service.pb.h"
#include "server/registry/editor.h"
#include "server/store/store.h"

namespace gradus::registry {

// Kind of the blob references that versions hold on their weights.
inline constexpr char kModelRef[] = "model";

// The version that a reference means: the newest one where it means several.
//   Errors   INVALID_ARGUMENT with the field "ref" for a reference that is none, NOT_FOUND.
absl::StatusOr<v1::Model> FindVersion(store::ReadTx& tx, const std::string& ref);

// "name@3" of the version that FindVersion finds, without reading all that is known of it.
absl::StatusOr<std::string> PinVersion(store::ReadTx& tx, const std::string& ref);

// The one version that a reference names.
//   Errors   as FindVersion; INVALID_ARGUMENT with the field "ref" where it does not say which one.
absl::StatusOr<v1::Model> FindOneVersion(store::ReadTx& tx, const std::string& ref);

// The same for somebody who is about to change it. PERMISSION_DENIED where it is another user's:
// what a reference means may have changed since the call was let in.
absl::StatusOr<v1::Model> FindToEdit(store::ReadTx& tx, const std::string& ref,
                                     const Editor& editor);

// Aliases, tags, card and licence of the version that `model` is.
absl::Status FillLabels(store::ReadTx& tx, v1::Model& model);

// What a list says of a version: all but its spec, weights, card and recipe.
void TrimForList(v1::Model& model);

// Removes a version that no alias means, with its labels and its hold on the weights.
absl::Status DeleteVersion(store::Tx& tx, const std::string& name, int64_t version);

}  // namespace gradus::registry
