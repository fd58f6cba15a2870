// SPDX-License-Identifier: Apache-2.0
// Messages come out as they went in, however the stream is cut.
#include "engine/base/frames.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include <gtest/gtest.h>

#include "engine/base/descriptor.h"

namespace gradus::base {
namespace {

TEST(Frames, AreTheSameHoweverTheStreamIsCut) {
  std::string stream;
  const std::string messages[] = {"one", "", std::string(300, 'x'), std::string("\0\xff", 2)};
  for (const std::string& message : messages) AppendFrame(message, &stream);
  for (size_t piece = 1; piece < 9; ++piece) {
    FrameReader reader;
    size_t found = 0;
    for (size_t at = 0; at < stream.size(); at += piece) {
      reader.Push(std::string_view(stream).substr(at, piece));
      for (;;) {
        const auto message = reader.Next();
        ASSERT_TRUE(message.ok());
        if (!message->has_value()) break;
        ASSERT_LT(found, std::size(messages));
        EXPECT_EQ(**message, messages[found++]);
      }
    }
    EXPECT_EQ(found, std::size(messages));
    EXPECT_TRUE(reader.empty());
  }
}

TEST(Frames, OneThatIsAnnouncedTooLongIsRefusedBeforeItComes) {
  FrameReader reader;
  reader.Push(std::string("\xff\xff\xff\x7f", 4));
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kDataLoss);
}

TEST(Frames, AReaderTakesNoMoreThanItWasMadeFor) {
  for (const size_t size : {4, 5}) {
    FrameReader reader(4);
    std::string stream;
    AppendFrame(std::string(size, 'x'), &stream);
    reader.Push(stream);
    EXPECT_EQ(reader.Next().ok(), size == 4);
  }
}

TEST(Frames, TheEndOfAStreamIsTold) {
  std::array<int, 2> ends;
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  ASSERT_TRUE(WriteFrame(writing.get(), "last").ok());
  FrameReader reader;
  EXPECT_EQ(ReadFrame(reading.get(), reader).value(), "last");
  ASSERT_EQ(::write(writing.get(), "\x05", 1), 1);
  writing.Reset();
  EXPECT_EQ(ReadFrame(reading.get(), reader).status().code(), absl::StatusCode::kDataLoss);
  FrameReader other;
  EXPECT_EQ(ReadFrame(reading.get(), other).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace gradus::base
