-- SPDX-License-Identifier: Apache-2.0
-- Uploads that become models.

-- The v1.PushModelRequest that began it, empty for those that become datasets. `request` has its file; `answer`, once it is
-- done, the version's reference.
ALTER TABLE uploads ADD COLUMN model TEXT NOT NULL DEFAULT '';
