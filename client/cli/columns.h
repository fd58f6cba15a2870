// SPDX-License-Identifier: Apache-2.0
// Which fields of a resource people see.
#pragma once

#include <vector>

#include "client/cli/table.h"

namespace gradus::cli {

const std::vector<Column>& JobRow();
const std::vector<Column>& JobFacts();
const std::vector<Column>& DatasetRow();
const std::vector<Column>& DatasetFacts();
const std::vector<Column>& ModelRow();
const std::vector<Column>& ModelFacts();

}  // namespace gradus::cli
