-- SPDX-License-Identifier: Apache-2.0
-- Servers that share a store. Times are microseconds since 1970 by the database's clock.

-- What one of them at a time does. number: grows with each holder. address: the holder's. expires_at: 0 when it was let go.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  address TEXT NOT NULL,
  number BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Where each of them was last reached.
CREATE TABLE servers (
  id TEXT NOT NULL PRIMARY KEY,
  address TEXT NOT NULL,
  seen_at BIGINT NOT NULL
);
