-- SPDX-License-Identifier: Apache-2.0
-- Jobs with several workers: each has a row of attempts of its own, and a fence.

-- Which of the attempt's workers: 0 is the leader, whose fence is the job's.
ALTER TABLE attempts ADD COLUMN member BIGINT NOT NULL DEFAULT 0;

-- How many workers, with cores and memory of their own, the job needs at least, and takes at most.
ALTER TABLE jobs ADD COLUMN min_workers BIGINT NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN max_workers BIGINT NOT NULL DEFAULT 1;
