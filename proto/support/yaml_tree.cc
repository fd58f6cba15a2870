// SPDX-License-Identifier: Apache-2.0
// Builds the tree from yaml-cpp's events; its exceptions end here.
#include "proto/support/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/utf8.h"

namespace gradus::support {
namespace {

using Kind = YamlNode::Kind;

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const YamlOptions& options) : options_(options) {}

  YamlRef root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    std::shared_ptr<YamlNode> node = NewNode(mark, Kind::kNull);
    // yaml-cpp sees that nothing comes only on the next line; people look for it where the key is.
    if (!open_.empty() && open_.back().entry.has_value()) node->line = open_.back().entry->line;
    Place(mark, Remember(anchor, std::move(node)));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw YAML::ParserException(mark, "an alias to a node that contains it");
    Place(mark, found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    RefuseTag(mark, tag);
    // The text as a whole is UTF-8, but yaml-cpp makes single bytes of these two.
    if (FirstInvalidUtf8(text).has_value())
      throw YAML::ParserException(mark, "the escapes \\_ and \\N are not known");
    std::shared_ptr<YamlNode> node = NewNode(mark, Kind::kScalar);
    node->text = text;
    Place(mark, Remember(anchor, std::move(node)));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(mark, Kind::kList, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(mark, Kind::kMap, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or mapping whose end has not come yet.
  struct OpenNode {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    std::optional<YamlEntry> entry;  // a key that waits for its value
  };

  int Line(const YAML::Mark& mark) const { return options_.count_lines ? mark.line + 1 : 0; }

  std::shared_ptr<YamlNode> NewNode(const YAML::Mark& mark, Kind kind) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = Line(mark);
    return node;
  }

  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    // yaml-cpp says "?" for what has no tag and "!" for what is quoted.
    if (!tag.empty() && tag != "?" && tag != "!")
      throw YAML::ParserException(mark, "tags are not allowed");
  }

  YamlRef Remember(YAML::anchor_t anchor, std::shared_ptr<YamlNode> node) {
    YamlRef ref = std::move(node);
    if (anchor != 0) anchors_[anchor] = ref;
    return ref;
  }

  void Open(const YAML::Mark& mark, Kind kind, YAML::anchor_t anchor) {
    if (open_.size() == options_.max_depth) {
      throw YAML::ParserException(
          mark, absl::StrCat("nested deeper than ", options_.max_depth, " levels"));
    }
    open_.push_back({NewNode(mark, kind), anchor, mark, std::nullopt});
  }

  void Close() {
    OpenNode done = std::move(open_.back());
    open_.pop_back();
    Place(done.mark, Remember(done.anchor, std::move(done.node)));
  }

  void Place(const YAML::Mark& mark, YamlRef node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& top = open_.back();
    if (top.node->kind == Kind::kList) {
      top.node->items.push_back(std::move(node));
    } else if (!top.entry.has_value()) {
      if (node->kind != Kind::kScalar) throw YAML::ParserException(mark, "a key must be a word");
      top.entry = YamlEntry{node->text, Line(mark), nullptr};
    } else {
      top.entry->value = std::move(node);
      top.node->entries.push_back(*std::move(top.entry));
      top.entry.reset();
    }
  }

  const YamlOptions options_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, YamlRef> anchors_;
  YamlRef root_;
};

absl::Status CheckBytes(absl::string_view text, const YamlOptions& options) {
  if (text.size() > options.max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(text.size(), " bytes are more than the ", options.max_bytes, " allowed"));
  }
  const auto refuse = [&](size_t at, absl::string_view what) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
  };
  const std::optional<size_t> invalid = FirstInvalidUtf8(text);
  if (invalid.has_value()) return refuse(*invalid, "not UTF-8 text");
  // To yaml-cpp it begins an escape, even outside of quotes.
  const size_t zero = text.find('\0');
  return zero == absl::string_view::npos ? absl::OkStatus() : refuse(zero, "a zero byte");
}

}  // namespace

absl::StatusOr<YamlRef> ParseYaml(absl::string_view text, const YamlOptions& options) {
  absl::Status bytes = CheckBytes(text, options);
  if (!bytes.ok()) return bytes;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(options);
    if (!parser.HandleNextDocument(builder) || builder.root() == nullptr)
      return std::make_shared<const YamlNode>();
    TreeBuilder more(options);
    if (parser.HandleNextDocument(more)) {
      const int line = more.root() == nullptr ? 1 : more.root()->line;
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line, ": a second document; only one is allowed"));
    }
    return builder.root();
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", e.mark.line + 1, ": not valid YAML: ", e.msg));
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(absl::StrCat("not valid YAML: ", e.what()));
  }
}

}  // namespace gradus::support
