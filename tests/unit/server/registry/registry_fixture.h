// SPDX-License-Identifier: Apache-2.0
// Datasets and models over a store of their own, and what there is to put into them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/registry/datasets.h"
#include "server/registry/models.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::registry {

// A safetensors file of F32 tensors "LAYER/kernel" and "LAYER/bias", one pair a layer, of 4 *
// `units` and `units` values that begin with `first`.
std::string WeightsFile(const std::vector<std::string>& layers, int units, float first = 0);

// Layers "dense", "dense_1", ... as names alone.
v1::ModelSpec SpecOf(const std::vector<std::string>& layers);

class RegistryFixture : public store::StoreFixture {
 protected:
  void SetUp() override;

  v1::BlobRef Put(const std::string& bytes);
  // Of a safetensors file (see WeightsFile) a piece a layer, of a large one 4 KiB; else one tensor
  // of these bytes.
  v1::BlobRef PutWeights(const std::string& content);
  int64_t Count(absl::string_view table);
  bool Has(const v1::BlobRef& blob);
  // Until whatever nobody refers to is gone.
  void Collect();

  // Split "train" with columns "x" (four bytes a row) and "y" (one) made of `rows` bytes of
  // `filling`.
  v1::Dataset Description(const std::string& name, int64_t rows, char filling);
  absl::StatusOr<v1::Dataset> AddDataset(const v1::Dataset& description);

  // The next version of `model` with these weights; its reference.
  absl::StatusOr<std::string> Publish(const std::string& model, const std::string& weights,
                                      const std::vector<std::string>& layers = {"dense"});
  // The job that Publish ends, of "ann", with `layers` as its model.
  static v1::Job JobOf(const std::string& model, const std::vector<std::string>& layers);
  absl::StatusOr<std::string> PublishOf(const v1::Job& job, const std::string& weights);
  absl::Status RemoveModel(const std::string& ref, const std::string& request_id);
  absl::StatusOr<std::string> SetAlias(const std::string& ref, const std::string& alias,
                                       const Editor& editor = {"ann", false});

  // One that no request had before.
  std::string NextRequestId() { return absl::StrCat("request-", ++requests_); }

  int requests_ = 0;

  std::function<bool(const std::string& dataset)> in_use_ = [](const std::string&) {
    return false;
  };
  std::unique_ptr<Datasets> datasets_;
  std::unique_ptr<Models> models_;
};

}  // namespace gradus::registry
