-- SPDX-License-Identifier: Apache-2.0
-- Jobs and their attempts, events, blobs and their references, request keys.
-- Times are microseconds since 1970 unless a comment says monotonic; messages are base64 of their wire format (codec.h).

CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version (version) VALUES (0);

-- What is fixed for the store's life: its id.
CREATE TABLE store_facts (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- Numbers that are never given twice: job_number, fence.
CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('job_number', 0);
INSERT INTO counters (name, value) VALUES ('fence', 0);

CREATE TABLE request_keys (
  user_name TEXT NOT NULL,
  method TEXT NOT NULL,
  request_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (user_name, method, request_id)
);
CREATE INDEX request_keys_by_age ON request_keys (created_at);

-- One row a stored blob. marked_at: when collection first found it without references.
CREATE TABLE blobs (
  sha256 TEXT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  stored_at BIGINT NOT NULL,
  marked_at BIGINT
);
CREATE TABLE blob_refs (
  sha256 TEXT NOT NULL REFERENCES blobs (sha256),
  kind TEXT NOT NULL,
  owner TEXT NOT NULL,
  PRIMARY KEY (sha256, kind, owner)
);
CREATE INDEX blob_refs_by_owner ON blob_refs (kind, owner);

CREATE TABLE event_logs (
  job TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  closed BIGINT NOT NULL
);
CREATE TABLE events (
  job TEXT NOT NULL REFERENCES event_logs (job),
  seq BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (job, seq)
);
CREATE INDEX events_by_kind ON events (job, kind, seq);

-- record: the v1.Job without its spec. Columns beside it are what is searched for or reckoned with.
-- fence: the current attempt's, 0 without one. not_before: monotonic. ran_micros: running time of all attempts up to running_since (monotonic, 0
-- while none runs).
CREATE TABLE jobs (
  id TEXT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  state BIGINT NOT NULL,
  priority BIGINT NOT NULL,
  cores BIGINT NOT NULL,
  memory BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  time_limit BIGINT NOT NULL,
  ran_micros BIGINT NOT NULL,
  running_since BIGINT NOT NULL,
  record TEXT NOT NULL,
  spec TEXT NOT NULL,
  assignment TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_by_owner ON jobs (owner, state);

CREATE TABLE job_datasets (
  dataset TEXT NOT NULL,
  job TEXT NOT NULL REFERENCES jobs (id),
  PRIMARY KEY (dataset, job)
);

-- finished: the rank's last word is stored, nothing more is taken from it. ended_at: its process is gone.
CREATE TABLE attempts (
  fence BIGINT NOT NULL PRIMARY KEY,
  job TEXT NOT NULL REFERENCES jobs (id),
  attempt BIGINT NOT NULL,
  handle TEXT NOT NULL,
  cpus TEXT NOT NULL,
  last_worker_seq BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  ending TEXT NOT NULL
);
CREATE INDEX attempts_by_job ON attempts (job, attempt);

-- number: the seq of the event that announced it; the highest is the newest.
CREATE TABLE checkpoints (
  job TEXT NOT NULL REFERENCES jobs (id),
  number BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  size BIGINT NOT NULL,
  step BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  stage BIGINT NOT NULL,
  PRIMARY KEY (job, number)
);
