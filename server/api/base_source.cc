// SPDX-License-Identifier: Apache-2.0
#include "server/api/base_source.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/graft.h"
#include "server/registry/model_ref.h"

namespace gradus::api {
namespace {

// Models that one spec may speak of.
constexpr size_t kMostModels = 64;

// Models of one spec, each looked up once: a name means one version throughout.
class FoundModels {
 public:
  explicit FoundModels(const SpecSources& sources) : sources_(sources) {}

  absl::StatusOr<const graph::Published*> Find(const std::string& ref) {
    const auto known = by_text_.find(ref);
    if (known != by_text_.end()) return known->second;
    ASSIGN_OR_RETURN(const v1::Model model, FindModel(sources_, ref));
    const std::string pinned = registry::VersionRef(model.name(), model.version());
    std::unique_ptr<graph::Published>& published = by_version_[pinned];
    if (published == nullptr) {
      if (bases_.models.size() == kMostModels) {
        return absl::InvalidArgumentError(
            absl::StrCat("it is one model too many, at most ", kMostModels, " are allowed"));
      }
      ASSIGN_OR_RETURN(graph::Graph graph, graph::Graph::Create(model.spec()));
      published = std::make_unique<graph::Published>(graph::Published{pinned, std::move(graph)});
      v1::ModelWeights& weights = bases_.models.emplace_back();
      weights.set_ref(pinned);
      *weights.mutable_index() = model.weights();
      bases_.tensors[pinned] = graph::TensorsOf(published->graph);
    }
    return by_text_[ref] = published.get();
  }

  Bases Take() { return std::move(bases_); }

 private:
  const SpecSources& sources_;
  std::map<std::string, const graph::Published*> by_text_;
  std::map<std::string, std::unique_ptr<graph::Published>> by_version_;
  Bases bases_;
};

}  // namespace

absl::StatusOr<Bases> FillBases(const SpecSources& sources, v1::JobSpec& spec) {
  FoundModels models(sources);
  RETURN_IF_ERROR(
      graph::Graft(spec, [&models](const std::string& ref) { return models.Find(ref); }));
  return models.Take();
}

}  // namespace gradus::api
