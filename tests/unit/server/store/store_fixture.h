// SPDX-License-Identifier: Apache-2.0
// A store and its blobs in a folder of their own, verified when the test ends.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_join.h"
#include "engine/base/file_ops.h"
#include "engine/base/files.h"
#include "server/store/blobs.h"
#include "server/store/store.h"
#include "server/store/verify.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::store {

class StoreFixture : public ::testing::Test {
 protected:
  void SetUp() override { OpenStore(); }

  void TearDown() override {
    if (store_ == nullptr || !store_->fault().ok()) return;
    const auto findings = Verify(*store_, *blobs_);
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_TRUE(findings->empty()) << absl::StrJoin(*findings, "\n");
  }

  void OpenStore() {
    StoreOptions options;
    options.path = database_.path();
    options.url = database_.url();
    options.files = &base::RealFiles();
    options.clock = &clock_;
    options.on_fault = [this](const absl::Status&) { ++faults_; };
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto blobs = BlobStore::Open(store_.get(), &base::RealFiles(), &clock_, dir_ / "blobs");
    ASSERT_TRUE(blobs.ok()) << blobs.status();
    blobs_ = *std::move(blobs);
  }

  void CloseStore() {
    blobs_.reset();
    store_.reset();
  }

  test_support::TempDir dir_;
  test_support::TestDatabase database_{dir_ / "gradus.db"};
  test_support::FakeClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<BlobStore> blobs_;
  int faults_ = 0;
};

}  // namespace gradus::store
