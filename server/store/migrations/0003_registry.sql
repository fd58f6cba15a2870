-- SPDX-License-Identifier: Apache-2.0
-- Datasets, uploads on their way to be one, models.

-- record: the v1.Dataset.
CREATE TABLE datasets (
  name TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  record TEXT NOT NULL
);

-- request: the v1.BeginUploadRequest. state: 0 open, 1 a dataset, 2 refused. answer: the v1.Dataset, or the refusal.
-- touched_at: when it was begun, last grew or ended.
CREATE TABLE uploads (
  id TEXT NOT NULL PRIMARY KEY,
  user_name TEXT NOT NULL,
  request TEXT NOT NULL,
  state BIGINT NOT NULL,
  answer TEXT NOT NULL,
  touched_at BIGINT NOT NULL
);
CREATE INDEX uploads_by_user ON uploads (user_name, state);
CREATE INDEX uploads_by_age ON uploads (touched_at);

-- committed: bytes of uploads/ID-FILE.part that are durable.
CREATE TABLE upload_files (
  upload TEXT NOT NULL REFERENCES uploads (id),
  file BIGINT NOT NULL,
  committed BIGINT NOT NULL,
  PRIMARY KEY (upload, file)
);

-- The highest version ever given; stays when versions are removed.
CREATE TABLE model_names (
  name TEXT NOT NULL PRIMARY KEY,
  last_version BIGINT NOT NULL
);

-- record: the v1.Model, spec and weights included. digest: of the weights.
CREATE TABLE models (
  name TEXT NOT NULL REFERENCES model_names (name),
  version BIGINT NOT NULL,
  digest TEXT NOT NULL,
  owner TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (name, version)
);
CREATE INDEX models_by_digest ON models (name, digest);
