-- SPDX-License-Identifier: Apache-2.0
-- What is said about versions of models after they were published, and how many of a name are kept.

CREATE TABLE model_aliases (
  name TEXT NOT NULL,
  alias TEXT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (name, alias),
  FOREIGN KEY (name, version) REFERENCES models (name, version)
);
CREATE INDEX model_aliases_by_version ON model_aliases (name, version);

CREATE TABLE model_tags (
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (name, version, tag),
  FOREIGN KEY (name, version) REFERENCES models (name, version)
);

CREATE TABLE model_cards (
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  card TEXT NOT NULL,
  licence TEXT NOT NULL,
  PRIMARY KEY (name, version),
  FOREIGN KEY (name, version) REFERENCES models (name, version)
);

-- Whose versions go: those of user_name, or all where it is empty.
CREATE TABLE model_retention (
  name TEXT NOT NULL PRIMARY KEY REFERENCES model_names (name),
  keep_last BIGINT NOT NULL,
  user_name TEXT NOT NULL
);
