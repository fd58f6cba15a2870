// SPDX-License-Identifier: Apache-2.0
// Big-endian headers and zlib's deflate.
#include "tests/support/idx_files.h"

#include <zlib.h>

#include <cstdlib>

namespace gradus::test_support {

std::string IdxFile(int code, const std::vector<uint32_t>& shape, const std::string& values) {
  std::string file = {'\0', '\0', static_cast<char>(code), static_cast<char>(shape.size())};
  for (const uint32_t dimension : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(dimension >> shift);
  }
  return file + values;
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace gradus::test_support
