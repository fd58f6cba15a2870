// SPDX-License-Identifier: Apache-2.0
// A rank's stream: hello first, assignment before anything else, acknowledgements after storing,
// one end.
#include "server/api/rank_session.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus::api {
namespace {

using ::testing::_;
using ::testing::NiceMock;
using ::testing::Return;

class MockJobs : public jobs::Jobs {
 public:
  MOCK_METHOD(absl::StatusOr<std::optional<v1::Job>>, FindSubmitted,
              (const std::string&, const std::string&, const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, Submit, (const jobs::Submission&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, Get, (const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<std::string>, OwnerOf, (const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListJobsResponse>, List, (const jobs::ListQuery&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, Pause,
              (const std::string&, const std::string&, const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, Resume,
              (const std::string&, const std::string&, const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, Cancel,
              (const std::string&, const std::string&, const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<v1::PublishCheckpointResponse>, PublishCheckpoint,
              (const std::string&, const v1::PublishCheckpointRequest&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ExplainJobResponse>, Explain, (const std::string&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListMetricsResponse>, Metrics,
              (const std::string&, const std::vector<std::string>&), (override));
  MOCK_METHOD(absl::StatusOr<jobs::AttachReply>, Attach,
              (const v1::Hello&, std::function<void(const v1::AttachResponse&)>), (override));
  MOCK_METHOD(absl::StatusOr<int64_t>, Report, (const executors::RankKey&, const v1::EventBatch&),
              (override));
  MOCK_METHOD(absl::Status, CheckFence, (const executors::RankKey&), (override));
  MOCK_METHOD(store::CommitGuard, FenceGuard, (const executors::RankKey&), (override));
  MOCK_METHOD(absl::StatusOr<v1::BlobRef>, AssignedBlob,
              (const executors::RankKey&, const std::string&), (override));
  MOCK_METHOD(absl::Status, PutNote, (const executors::RankKey&, const v1::PutNoteRequest&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::GetNotesResponse>, GetNotes,
              (const executors::RankKey&, const v1::GetNotesRequest&), (override));
  MOCK_METHOD(absl::Status, Lead, (), (override));
  MOCK_METHOD(void, Follow, (), (override));
  MOCK_METHOD(void, ChangedElsewhere, (const std::string&), (override));
  MOCK_METHOD(void, Drain, (int64_t), (override));
  MOCK_METHOD(void, Settle, (), (override));
  MOCK_METHOD(bool, WaitIdle, (int64_t), (override));
};

class Attached : public jobs::Attachment {
 public:
  explicit Attached(std::atomic<int>& open) : open_(open) { ++open_; }
  ~Attached() override { --open_; }

  absl::Status Heard(const v1::Heartbeat& heartbeat) override {
    return heartbeat.generation() < 0 ? absl::FailedPreconditionError("given up")
                                      : absl::OkStatus();
  }

 private:
  std::atomic<int>& open_;
};

// The rank's side of the stream: notes what it is sent, takes it when told to.
class Stream : public RankSession::Sink {
 public:
  absl::Status Admit(const v1::Hello&) override { return admit; }
  void Read() override {
    base::MutexLock lock(mu_);
    EXPECT_FALSE(reading_) << "a second read before the first was done";
    reading_ = true;
    changed_.SignalAll();
  }
  void Send(const v1::AttachResponse& response) override {
    base::MutexLock lock(mu_);
    EXPECT_FALSE(sending_) << "a second write before the first was done";
    EXPECT_FALSE(end_.has_value());
    sending_ = true;
    sent_.push_back(response);
    changed_.SignalAll();
  }
  void End(const absl::Status& status) override {
    base::MutexLock lock(mu_);
    EXPECT_FALSE(end_.has_value()) << "a second end";
    end_ = status;
    changed_.SignalAll();
  }

  // Waits until the session reads, and gives it a message.
  void Give(std::optional<v1::AttachRequest> request) {
    {
      base::MutexLock lock(mu_);
      ASSERT_TRUE(changed_.WaitFor(mu_, kLong, [&] { return reading_; }));
      reading_ = false;
    }
    session->Received(std::move(request));
  }
  // Waits for the next message from the session, and lets it send on.
  v1::AttachResponse Take() {
    v1::AttachResponse response;
    {
      base::MutexLock lock(mu_);
      if (!changed_.WaitFor(mu_, kLong, [&] { return sending_; })) {
        ADD_FAILURE() << "nothing was sent";
        return response;
      }
      sending_ = false;
      response = sent_.back();
    }
    session->Sent(true);
    return response;
  }
  absl::Status AwaitEnd() {
    base::MutexLock lock(mu_);
    if (!changed_.WaitFor(mu_, kLong, [&] { return end_.has_value(); }))
      return absl::DeadlineExceededError("it never ended");
    return *end_;
  }

  absl::Status admit;
  std::shared_ptr<RankSession> session;

 private:
  static constexpr std::chrono::microseconds kLong = std::chrono::seconds(30);
  base::Mutex mu_;
  base::CondVar changed_;
  bool reading_ = false;
  bool sending_ = false;
  std::vector<v1::AttachResponse> sent_;
  std::optional<absl::Status> end_;
};

class RankSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pool_ = std::make_unique<WorkPool>(2);
    stream_.session = std::make_shared<RankSession>(jobs_, *pool_, hub_, &stream_);
    ON_CALL(jobs_, Attach)
        .WillByDefault([this](const v1::Hello& hello,
                              const std::function<void(const v1::AttachResponse&)>& word) {
          {
            const base::MutexLock lock(word_mu_);
            word_ = word;
          }
          jobs::AttachReply reply;
          if (hello.reattached()) {
            reply.acked = 7;
          } else {
            reply.assignment.emplace().set_memory_limit(99);
          }
          reply.attachment = std::make_unique<Attached>(attached_);
          return absl::StatusOr<jobs::AttachReply>(std::move(reply));
        });
    stream_.session->Start();
  }
  void TearDown() override {
    stream_.session.reset();
    pool_.reset();
  }

  static v1::AttachRequest Hello(bool reattached = false) {
    v1::AttachRequest request;
    request.mutable_hello()->set_job_id("j1");
    request.mutable_hello()->set_attempt(2);
    request.mutable_hello()->set_fence(5);
    request.mutable_hello()->set_reattached(reattached);
    return request;
  }
  static v1::AttachRequest Events(int64_t last) {
    v1::AttachRequest request;
    request.mutable_events()->add_events()->set_worker_seq(last);
    return request;
  }

  static v1::AttachRequest Heartbeat(int64_t generation) {
    v1::AttachRequest request;
    request.mutable_heartbeat()->set_generation(generation);
    return request;
  }
  static v1::AttachResponse Meeting(int64_t generation) {
    v1::AttachResponse word;
    word.mutable_meeting()->set_generation(generation);
    return word;
  }
  static v1::AttachResponse Command(v1::Command::Action action) {
    v1::AttachResponse word;
    word.mutable_command()->set_action(action);
    return word;
  }

  NiceMock<MockJobs> jobs_;
  StreamHub hub_;
  std::unique_ptr<WorkPool> pool_;
  Stream stream_;
  std::atomic<int> attached_ = 0;
  base::Mutex word_mu_;
  std::function<void(const v1::AttachResponse&)> word_
      ABSL_GUARDED_BY(word_mu_);  // of the last stream
};

TEST_F(RankSessionTest, HelloIsAnsweredByTheAssignment) {
  stream_.Give(Hello());
  EXPECT_EQ(stream_.Take().assignment().memory_limit(), 99);
}

TEST_F(RankSessionTest, AReattachedRankHearsWhatIsDurable) {
  stream_.Give(Hello(true));
  EXPECT_EQ(stream_.Take().ack().worker_seq(), 7);
}

TEST_F(RankSessionTest, EventsAreAcknowledgedOnceTheyAreStored) {
  const executors::RankKey key{.job = "j1", .attempt = 2, .fence = 5};
  EXPECT_CALL(jobs_, Report(key, _)).WillOnce(Return(3)).WillOnce(Return(4));
  stream_.Give(Hello());
  stream_.Take();
  stream_.Give(Events(3));
  EXPECT_EQ(stream_.Take().ack().worker_seq(), 3);
  stream_.Give(Events(4));
  EXPECT_EQ(stream_.Take().ack().worker_seq(), 4);
}

TEST_F(RankSessionTest, ASlowRankGetsTheNewestAcknowledgementAlone) {
  EXPECT_CALL(jobs_, Report).WillOnce(Return(1)).WillOnce(Return(2)).WillOnce(Return(3));
  stream_.Give(Hello());
  for (int i = 1; i <= 3; ++i) stream_.Give(Events(i));
  stream_.Give(std::nullopt);
  EXPECT_TRUE(stream_.Take().has_assignment());
  EXPECT_EQ(stream_.Take().ack().worker_seq(), 3);
  EXPECT_TRUE(stream_.AwaitEnd().ok());
}

TEST_F(RankSessionTest, ARankOfAServerThatLeadsNoMoreIsSentAway) {
  stream_.Give(Hello());
  stream_.Take();
  std::function<void(const v1::AttachResponse&)> word;
  {
    const base::MutexLock lock(word_mu_);
    word = word_;
  }
  word(v1::AttachResponse());
  EXPECT_TRUE(absl::IsUnavailable(stream_.AwaitEnd()));
  EXPECT_EQ(attached_, 0);
}

TEST_F(RankSessionTest, ACommandWaitsBehindTheAssignment) {
  EXPECT_CALL(jobs_, Attach)
      .WillOnce([this](const v1::Hello&, std::function<void(const v1::AttachResponse&)> word) {
        word(Command(v1::Command::STOP));
        jobs::AttachReply reply;
        reply.assignment.emplace();
        reply.attachment = std::make_unique<Attached>(attached_);
        return absl::StatusOr<jobs::AttachReply>(std::move(reply));
      });
  stream_.Give(Hello());
  EXPECT_TRUE(stream_.Take().has_assignment());
  EXPECT_EQ(stream_.Take().command().action(), v1::Command::STOP);
}

TEST_F(RankSessionTest, ASlowRankGetsTheNewestMeetingAlone) {
  EXPECT_CALL(jobs_, Attach)
      .WillOnce([this](const v1::Hello&, std::function<void(const v1::AttachResponse&)> word) {
        for (int i = 1; i <= 3; ++i) word(Meeting(i));
        word(Command(v1::Command::STOP));
        word(Meeting(4));
        jobs::AttachReply reply;
        reply.assignment.emplace();
        reply.attachment = std::make_unique<Attached>(attached_);
        return absl::StatusOr<jobs::AttachReply>(std::move(reply));
      });
  stream_.Give(Hello());
  EXPECT_TRUE(stream_.Take().has_assignment());
  EXPECT_EQ(stream_.Take().command().action(), v1::Command::STOP);
  EXPECT_EQ(stream_.Take().meeting().generation(), 4);
}

TEST_F(RankSessionTest, ARankThatIsGivenUpHearsSoAtItsNextHeartbeat) {
  stream_.Give(Hello());
  stream_.Take();
  stream_.Give(Heartbeat(1));
  stream_.Give(Heartbeat(-1));
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(attached_, 0);
}

TEST_F(RankSessionTest, ARefusedReportEndsTheStreamWithItsReason) {
  EXPECT_CALL(jobs_, Report).WillOnce(Return(absl::FailedPreconditionError("an older fence")));
  stream_.Give(Hello());
  stream_.Take();
  stream_.Give(Events(1));
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(attached_, 0);
}

TEST_F(RankSessionTest, ATokenOfAnotherAttemptNeverReachesTheJob) {
  stream_.admit = absl::PermissionDeniedError("not yours");
  EXPECT_CALL(jobs_, Attach).Times(0);
  stream_.Give(Hello());
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(RankSessionTest, EventsBeforeHelloAndASecondHelloAreRefused) {
  EXPECT_CALL(jobs_, Report).Times(0);
  stream_.Give(Events(1));
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RankSessionTest, ASecondHelloIsRefused) {
  stream_.Give(Hello());
  stream_.Take();
  stream_.Give(Hello());
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RankSessionTest, ARankWhoseLastWordIsStoredHearsSoAndIsLetGo) {
  EXPECT_CALL(jobs_, Attach)
      .WillOnce([](const v1::Hello&, const std::function<void(const v1::AttachResponse&)>&) {
        jobs::AttachReply reply;
        reply.acked = 12;
        return absl::StatusOr<jobs::AttachReply>(std::move(reply));
      });
  stream_.Give(Hello(true));
  EXPECT_EQ(stream_.Take().ack().worker_seq(), 12);
  EXPECT_TRUE(stream_.AwaitEnd().ok());
}

TEST_F(RankSessionTest, AStreamThatBreaksLetsGoOfTheAttachment) {
  stream_.Give(Hello());
  stream_.Take();
  stream_.session->Cancel();
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(attached_, 0);
}

TEST_F(RankSessionTest, AServerThatStopsSaysUnavailable) {
  stream_.Give(Hello());
  stream_.Take();
  hub_.CloseAll();
  EXPECT_EQ(stream_.AwaitEnd().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(attached_, 0);
}

}  // namespace
}  // namespace gradus::api
