-- SPDX-License-Identifier: Apache-2.0
-- Bearer tokens, of which only the SHA-256 is kept.

-- role: "user" or "admin" with user_name, "worker" with job and attempt.
CREATE TABLE auth_tokens (
  sha256 TEXT NOT NULL PRIMARY KEY,
  user_name TEXT NOT NULL,
  role TEXT NOT NULL,
  job TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX auth_tokens_by_job ON auth_tokens (job);
