// SPDX-License-Identifier: Apache-2.0
// Settings: what is not known or not allowed is told, never ignored.
#include "server/settings.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus::server {
namespace {

using ::testing::HasSubstr;

v1::ServerConfig Minimal() {
  v1::ServerConfig config;
  config.set_data_dir("/tmp/x");
  config.set_worker_program("/bin/true");
  return config;
}

absl::Status ReadText(const std::string& text) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/settings-", getpid(), ".yaml");
  EXPECT_TRUE(base::WriteFileAtomically(base::RealFiles(), path, text).ok());
  return ReadConfig(path).status();
}

TEST(Settings, DefaultsAreThoseOfTheContract) {
  const auto settings = Resolve(Minimal());
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->listen.Text(), "127.0.0.1:7077");
  EXPECT_EQ(settings->max_upload_bytes, int64_t{16} << 30);
  EXPECT_EQ(settings->max_params, int64_t{1} << 31);
  EXPECT_EQ(settings->max_open_jobs, 1000);
  EXPECT_EQ(settings->worker_grace_micros, 60'000'000);
  EXPECT_EQ(settings->max_attempts, 5);
  EXPECT_EQ(settings->drain_micros, 9'000'000);
  EXPECT_EQ(settings->writes.burst, 60);
  EXPECT_EQ(settings->writes.per_second, 10);
  EXPECT_GT(settings->prediction_memory_bytes, 0);
  EXPECT_EQ(settings->prediction_idle_micros, 900'000'000);
  EXPECT_FALSE(settings->cpus.empty());
}

TEST(Settings, EveryValueOutOfRangeNamesItsField) {
  const auto refused = [](const std::string& field, auto change) {
    v1::ServerConfig config = Minimal();
    change(config);
    const auto settings = Resolve(config);
    EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(base::FieldOf(settings.status()), field) << settings.status();
  };
  refused("data_dir", [](auto& c) { c.clear_data_dir(); });
  refused("listen", [](auto& c) { c.set_listen("7077"); });
  refused("listen", [](auto& c) { c.set_listen("127.0.0.1:99999"); });
  refused("listen", [](auto& c) { c.set_listen("::1:80"); });
  refused("cores", [](auto& c) { c.set_cores(0); });
  refused("cores", [](auto& c) { c.set_cores(1 << 20); });
  refused("memory", [](auto& c) { c.set_memory("many"); });
  refused("worker_program", [](auto& c) { c.set_worker_program("/nowhere/gradus-worker"); });
  refused("max_upload", [](auto& c) { c.set_max_upload("-1"); });
  refused("max_params", [](auto& c) { c.set_max_params(0); });
  refused("max_open_jobs", [](auto& c) { c.set_max_open_jobs(-3); });
  refused("worker_grace_seconds",
          [](auto& c) { c.set_worker_grace_seconds(std::numeric_limits<double>::quiet_NaN()); });
  refused("max_attempts", [](auto& c) { c.set_max_attempts(101); });
  refused("drain_seconds", [](auto& c) { c.set_drain_seconds(0); });
  refused("write_burst", [](auto& c) { c.set_write_burst(0.5); });
  refused("writes_per_second", [](auto& c) { c.set_writes_per_second(1e7); });
  refused("prediction_memory", [](auto& c) { c.set_prediction_memory("1KiB"); });
  refused("prediction_memory", [](auto& c) { c.set_prediction_memory("1025TiB"); });
  refused("prediction_idle_seconds", [](auto& c) { c.set_prediction_idle_seconds(0); });
}

v1::ServerConfig OnSlurm() {
  v1::ServerConfig config = Minimal();
  config.set_executor("slurm");
  return config;
}

TEST(Settings, OnSlurmHasItsDefaults) {
  EXPECT_FALSE(Resolve(Minimal())->on_slurm);
  const auto settings = Resolve(OnSlurm());
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_TRUE(settings->on_slurm);
  EXPECT_EQ(settings->slurm.worker_program(), "/bin/true");
  EXPECT_EQ(settings->slurm.node_dir(), "/tmp");
  EXPECT_EQ(settings->slurm.poll_seconds(), 1);
  EXPECT_EQ(settings->node_cache_bytes, int64_t{8} << 30);
  EXPECT_EQ(settings->advertise.Text(), "127.0.0.1:7077");
}

TEST(Settings, ANodeMayBeLargerThanThisMachine) {
  v1::ServerConfig config = OnSlurm();
  config.set_cores(4096);
  config.set_memory("64TiB");
  const auto settings = Resolve(config);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->cpus.size(), 4096u);
}

TEST(Settings, ForSlurmEveryValueOutOfRangeNamesItsField) {
  const auto refused = [](const std::string& field, auto change) {
    v1::ServerConfig config = OnSlurm();
    change(config);
    EXPECT_EQ(base::FieldOf(Resolve(config).status()), field) << Resolve(config).status();
  };
  refused("executor", [](auto& c) { c.set_executor("sge"); });
  refused("listen", [](auto& c) { c.set_listen("127.0.0.1:0"); });
  refused("advertise", [](auto& c) { c.set_listen("0.0.0.0:7077"); });
  refused("advertise", [](auto& c) { c.set_advertise("node"); });
  refused("advertise", [](auto& c) { c.set_advertise("node:0"); });
  refused("cores", [](auto& c) { c.set_cores(4097); });
  refused("node_cache", [](auto& c) { c.set_node_cache("some"); });
  refused("worker_network", [](auto& c) { c.set_worker_network("eth0 eth1"); });
  refused("slurm.poll_seconds", [](auto& c) { c.mutable_slurm()->set_poll_seconds(0.1); });
  refused("slurm.poll_seconds", [](auto& c) { c.mutable_slurm()->set_poll_seconds(61); });
  refused("slurm.node_dir", [](auto& c) { c.mutable_slurm()->set_node_dir("tmp"); });
  refused("slurm.node_dir", [](auto& c) { c.mutable_slurm()->set_node_dir("/tmp\n"); });
  refused("slurm.worker_program",
          [](auto& c) { c.mutable_slurm()->set_worker_program("gradus-worker"); });
  refused("slurm.partition", [](auto& c) { c.mutable_slurm()->set_partition("a b"); });
  refused("slurm.options[1]", [](auto& c) {
    c.mutable_slurm()->add_options("--exclusive");
    c.mutable_slurm()->add_options("script.sh");
  });
}

TEST(Settings, AnUnknownKeyIsToldWithItsLineAndTheNearestOne) {
  const absl::Status status = ReadText("data_dir: /tmp/x\nlisten_on: 127.0.0.1:1\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(status.message()),
      ::testing::AllOf(HasSubstr("line 2"), HasSubstr("listen_on"), HasSubstr("\"listen\"")));
}

TEST(Settings, AMissingFileIsNotFound) {
  EXPECT_EQ(ReadConfig("/nowhere/at/all.yaml").status().code(), absl::StatusCode::kNotFound);
}

TEST(ListenAddress, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:0", "[::1]:7077", "host.example:65535", "0.0.0.0:80"}) {
    const auto address = api::ParseListenAddress(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->Text(), text);
  }
}

TEST(ListenAddress, ATakenPortIsToldByName) {
  const auto any = api::ParseListenAddress("127.0.0.1:0");
  ASSERT_TRUE(any.ok());
  EXPECT_TRUE(api::ProbeListenAddress(*any).ok());
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(name);
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&name), &size), 0);
  const absl::Status status =
      api::ProbeListenAddress({.host = "127.0.0.1", .port = ntohs(name.sin_port)});
  EXPECT_THAT(std::string(status.message()),
              ::testing::AllOf(HasSubstr("cannot listen on 127.0.0.1:"), HasSubstr("in use")));
  close(taken);
}

}  // namespace
}  // namespace gradus::server
