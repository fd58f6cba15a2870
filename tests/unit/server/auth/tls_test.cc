// SPDX-License-Identifier: Apache-2.0
// The authority of a data folder: made once, kept, never replaced silently.
#include "server/auth/tls.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus::auth {
namespace {

constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;

// Wall time that the test sets; certificates need nothing else of a clock.
class SetClock : public base::Clock {
 public:
  int64_t NowMicros() const override { return now; }
  int64_t MonotonicMicros() const override { return now; }
  bool WaitUntil(base::Mutex&, base::CondVar&, int64_t,
                 absl::FunctionRef<bool()> predicate) override {
    return predicate();
  }
  int64_t now = int64_t{1'700'000'000} * 1'000'000;
};

class AuthorityTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(base::RemoveTree(files_, dir_).ok()); }
  void TearDown() override { (void)base::RemoveTree(files_, dir_); }

  std::unique_ptr<Authority> Open() {
    auto opened = Authority::Open(files_, clock_, dir_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  std::string Read(const std::string& path) {
    return base::ReadFile(files_, path, 1 << 20).value();
  }

  base::Files& files_ = base::RealFiles();
  SetClock clock_;
  const std::string dir_ =
      absl::StrCat(::testing::TempDir(), "/tls-",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name(), "-", getpid());
};

TEST_F(AuthorityTest, TheSecondOpenFindsTheFirstOnesAuthority) {
  const std::string first = Open()->ca_pem();
  EXPECT_EQ(Open()->ca_pem(), first);
}

TEST_F(AuthorityTest, EveryFileIsForTheOwnerAlone) {
  auto authority = Open();
  ASSERT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).ok());
  const std::vector<std::string> names = files_.List(dir_).value();
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    struct stat info = {};
    ASSERT_EQ(stat(base::JoinPath(dir_, name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(AuthorityTest, CaFileHoldsNoKey) {
  auto authority = Open();
  EXPECT_EQ(Read(authority->ca_path()).find("PRIVATE"), std::string::npos);
  EXPECT_EQ(authority->ca_pem().find("PRIVATE"), std::string::npos);
}

TEST_F(AuthorityTest, ServerCertificateIsKeptWhileItServes) {
  auto authority = Open();
  EXPECT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
  EXPECT_FALSE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
  clock_.now += 300 * kDay;
  EXPECT_FALSE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
}

TEST_F(AuthorityTest, ServerCertificateIsRenewedBeforeItEnds) {
  auto authority = Open();
  ASSERT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
  clock_.now += 380 * kDay;
  EXPECT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
}

TEST_F(AuthorityTest, ANewAddressGetsANewServerCertificate) {
  auto authority = Open();
  ASSERT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
  EXPECT_TRUE(authority->EnsureServerCertificate(ServerHosts("192.0.2.7")).value());
  const auto facts = Inspect(Read(authority->server_cert_path()));
  ASSERT_TRUE(facts.ok());
  EXPECT_THAT(facts->ip_addresses, ::testing::IsSupersetOf({"127.0.0.1", "::1", "192.0.2.7"}));
  EXPECT_THAT(facts->dns_names, ::testing::Contains("localhost"));
}

TEST_F(AuthorityTest, TheServerCertificateIsGoodForAnAdvertisedAddressToo) {
  auto authority = Open();
  ASSERT_TRUE(authority->EnsureServerCertificate(ServerHosts("0.0.0.0", "login.example")).value());
  const auto facts = Inspect(Read(authority->server_cert_path()));
  ASSERT_TRUE(facts.ok());
  EXPECT_THAT(facts->dns_names, ::testing::Contains("login.example"));
}

TEST_F(AuthorityTest, AHalfWrittenServerPairIsMadeAnew) {
  auto authority = Open();
  ASSERT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
  const auto stranger = authority->IssueClient("x");
  ASSERT_TRUE(
      base::WriteFileAtomically(files_, authority->server_key_path(), stranger->key_pem).ok());
  EXPECT_TRUE(authority->EnsureServerCertificate(ServerHosts("127.0.0.1")).value());
}

TEST_F(AuthorityTest, ADamagedAuthorityIsToldAndNotReplaced) {
  Open();
  const std::string path = base::JoinPath(dir_, "authority.pem");
  ASSERT_TRUE(base::WriteFileAtomically(files_, path, Read(path).substr(0, 200)).ok());
  EXPECT_EQ(Authority::Open(files_, clock_, dir_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Read(path).size(), 200U);
}

TEST(Loopback, IsWhatNeverLeavesTheMachine) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"})
    EXPECT_TRUE(IsLoopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "192.168.1.1", "example.org", "",
                           "127.0.0.1.example.org", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

}  // namespace
}  // namespace gradus::auth
