// SPDX-License-Identifier: Apache-2.0
// What gradusd runs with: its settings file, its flags, and the defaults of what neither says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/config.pb.h"
#include "server/api/listen_address.h"
#include "server/api/rate_limit.h"

namespace gradus::server {

// Checked, with every default filled in.
struct Settings {
  std::string data_dir;  // absolute
  api::ListenAddress listen;
  api::ListenAddress advertise;
  bool on_slurm = false;  // else workers are processes of this machine
  // Processors that jobs may use together, and memory; on Slurm those that one worker may use, as
  // many as these are.
  std::vector<int> cpus;
  int64_t memory_bytes = 0;
  v1::SlurmConfig slurm;
  std::string worker_network;
  int64_t node_cache_bytes = 0;
  std::string worker_program;
  int64_t max_upload_bytes = 0;
  int64_t max_params = 0;
  int max_open_jobs = 0;
  int64_t worker_grace_micros = 0;
  int max_attempts = 0;
  int64_t drain_micros = 0;
  api::RateLimits writes;  // of one user
  int64_t prediction_memory_bytes = 0;
  int64_t prediction_idle_micros = 0;
};

// Reads a settings file: YAML or JSON of ServerConfig. INVALID_ARGUMENT, naming file, line and key,
// for what it does not know.
absl::StatusOr<v1::ServerConfig> ReadConfig(const std::string& path);

// INVALID_ARGUMENT with the field's path, what was found and what is allowed.
absl::StatusOr<Settings> Resolve(const v1::ServerConfig& config);

}  // namespace gradus::server
