// SPDX-License-Identifier: Apache-2.0
// A reader that goes through the text once, without recursion: the grammar has no depth.
#include "engine/formats/npy_literal.h"

#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  absl::StatusOr<NpyLiteral> Read() {
    NpyLiteral literal;
    RETURN_IF_ERROR(Expect('{'));
    while (!Take('}')) {
      RETURN_IF_ERROR(ReadEntry(literal));
      if (Take(',')) continue;
      RETURN_IF_ERROR(Expect('}'));
      break;
    }
    if (keys_.size() != 3) return Refuse("needs descr, fortran_order and shape");
    SkipSpaces();
    if (at_ != text_.size()) return Refuse("goes on behind the dictionary");
    return literal;
  }

 private:
  absl::Status ReadEntry(NpyLiteral& literal) {
    ASSIGN_OR_RETURN(const std::string key, ReadString());
    if (!keys_.insert(key).second) return Refuse(absl::StrCat("has \"", key, "\" twice"));
    RETURN_IF_ERROR(Expect(':'));
    if (key == "descr") {
      ASSIGN_OR_RETURN(literal.descr, ReadDescr());
    } else if (key == "fortran_order") {
      ASSIGN_OR_RETURN(literal.fortran_order, ReadBool());
    } else if (key == "shape") {
      ASSIGN_OR_RETURN(literal.shape, ReadShape());
    } else {
      return Refuse(absl::StrCat("has the unknown key \"", base::Shown(key), "\""));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ReadDescr() {
    if (Peek('[')) return Refuse("describes records: only arrays of one type are read");
    return ReadString();
  }

  absl::StatusOr<std::string> ReadString() {
    SkipSpaces();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"'))
      return Refuse("has no string where one must be");
    const size_t begin = at_ + 1;
    const size_t end = text_.find(text_[at_], begin);
    if (end == std::string_view::npos) return Refuse("has a string without an end");
    const std::string_view inside = text_.substr(begin, end - begin);
    if (inside.find('\\') != std::string_view::npos) return Refuse("has a string with an escape");
    at_ = end + 1;
    return std::string(inside);
  }

  absl::StatusOr<bool> ReadBool() {
    SkipSpaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    return Refuse("has neither True nor False where one must be");
  }

  absl::StatusOr<std::vector<int64_t>> ReadShape() {
    std::vector<int64_t> shape;
    RETURN_IF_ERROR(Expect('('));
    while (!Take(')')) {
      ASSIGN_OR_RETURN(shape.emplace_back(), ReadNumber());
      if (Take(',')) continue;
      // To Python, (3) is a number.
      if (shape.size() == 1) return Refuse("has a number where a tuple must be");
      RETURN_IF_ERROR(Expect(')'));
      break;
    }
    return shape;
  }

  absl::StatusOr<int64_t> ReadNumber() {
    SkipSpaces();
    const size_t begin = at_;
    int64_t value = 0;
    for (; at_ < text_.size() && absl::ascii_isdigit(static_cast<unsigned char>(text_[at_]));
         ++at_) {
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, text_[at_] - '0', &value)) {
        return Refuse("has a number beyond 2^63");
      }
    }
    if (at_ == begin) return Refuse("has no number where one must be");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;
    return value;
  }

  void SkipSpaces() {
    while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Peek(char c) {
    SkipSpaces();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool Take(char c) {
    if (!Peek(c)) return false;
    ++at_;
    return true;
  }
  absl::Status Expect(char c) {
    return Take(c) ? absl::OkStatus()
                   : Refuse(absl::StrCat("has no '", std::string(1, c), "' where one must be"));
  }
  absl::Status Refuse(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("npy: at byte ", at_, " the header ", what));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::set<std::string> keys_;
};

}  // namespace

absl::StatusOr<NpyLiteral> ParseNpyLiteral(std::string_view text) {
  return LiteralReader(text).Read();
}

}  // namespace gradus::formats
