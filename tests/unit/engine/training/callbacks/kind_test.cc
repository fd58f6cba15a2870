// SPDX-License-Identifier: Apache-2.0
// The check of a job's list of callbacks.
#include "engine/training/callbacks/kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::callbacks {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kNames = {"val_loss", "val_accuracy", "loss", "accuracy"};

std::string Message(v1::Fit fit) {
  return std::string(Check(*fit.mutable_callbacks(), kNames).message());
}

TEST(Callbacks, FillInWhatTheyWatch) {
  v1::Fit fit;
  for (const CallbackKind* kind : Table()) {
    EXPECT_NE(kind->documentation, nullptr);
    EXPECT_NE(kind->source, nullptr);
    for (const v1::Callback& sample : kind->samples()) *fit.add_callbacks() = sample;
  }
  ASSERT_TRUE(Check(*fit.mutable_callbacks(), kNames).ok());
  EXPECT_EQ(fit.callbacks(0).early_stopping().monitor(), "val_loss");
  EXPECT_EQ(fit.callbacks(0).early_stopping().mode(), v1::MIN);
  // What is filled in stays as it is.
  v1::Fit again = fit;
  ASSERT_TRUE(Check(*again.mutable_callbacks(), kNames).ok());
  EXPECT_EQ(again.DebugString(), fit.DebugString());
}

TEST(Callbacks, EveryEntryOfTheOneofHasAKind) {
  EXPECT_EQ(static_cast<int>(Table().size()), v1::Callback::descriptor()->field_count());
}

TEST(Callbacks, NameTheFieldThatIsWrong) {
  v1::Fit fit;
  fit.add_callbacks();
  EXPECT_THAT(Message(fit), HasSubstr("[0]: nothing is not a callback; one of early_stopping"));
  fit.mutable_callbacks(0)->mutable_early_stopping()->set_monitor("val_acuracy");
  EXPECT_THAT(Message(fit), HasSubstr("[0].early_stopping.monitor: \"val_acuracy\" is not a figure "
                                      "of this job, which are val_loss, val_accuracy, loss, "
                                      "accuracy"));
  EXPECT_THAT(Message(fit), HasSubstr("did you mean"));
  fit.mutable_callbacks(0)->mutable_early_stopping()->clear_monitor();
  fit.mutable_callbacks(0)->mutable_early_stopping()->set_patience(-1);
  EXPECT_THAT(Message(fit), HasSubstr("[0].early_stopping.patience: -1 is not a number of epochs"));
  fit.mutable_callbacks(0)->mutable_reduce_on_plateau()->set_factor(1);
  EXPECT_THAT(Message(fit), HasSubstr("[0].reduce_on_plateau.factor: 1 is not a number above 0"));
}

TEST(Callbacks, AreAtMostEight) {
  v1::Fit fit;
  for (int i = 0; i <= kMostCallbacks; ++i) fit.add_callbacks()->mutable_early_stopping();
  EXPECT_THAT(Message(fit), HasSubstr("[8]: more than 8 callbacks"));
}

}  // namespace
}  // namespace gradus::callbacks
