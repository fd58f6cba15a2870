// SPDX-License-Identifier: Apache-2.0
// IDX and gzip files made in memory, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradus::test_support {

// A whole IDX file of type `code` (0x08 is unsigned bytes) around `values`, which need not fit the
// shape.
std::string IdxFile(int code, const std::vector<uint32_t>& shape, const std::string& values);

// `text` as one gzip member.
std::string Gzip(const std::string& text);

}  // namespace gradus::test_support
