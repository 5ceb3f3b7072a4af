-- Which bytes are kept, under which name in the store, for whom, and how long.

CREATE TABLE runtime.artifacts (
  sha256 text PRIMARY KEY,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  -- Name in the store. Bytes that were let go of and come again get another one,
  -- so that deleting the old ones can never meet the new.
  blob text NOT NULL UNIQUE,
  stored_at_ms bigint NOT NULL
);
INSERT INTO runtime.artifacts
  SELECT sha256, max(bytes), sha256, min(granted_at_ms) FROM runtime.artifact_grants GROUP BY sha256;

-- Names in the store that no artifact has: being written, or to be deleted. Noted
-- before there is anything under them, so that no crash leaves bytes that nobody knows of.
CREATE TABLE runtime.loose_blobs (
  blob text PRIMARY KEY,
  delete_after_ms bigint NOT NULL,
  -- Set when its deletion begins: from then on no artifact takes the name.
  condemned boolean NOT NULL DEFAULT false
);
CREATE INDEX loose_blobs_due ON runtime.loose_blobs (delete_after_ms);

ALTER TABLE runtime.artifact_grants
  ADD COLUMN class text NOT NULL DEFAULT 'stored' CHECK (class IN ('stored', 'handed_in', 'shared')),
  ADD COLUMN keep_until_ms bigint,
  ADD COLUMN shared_by text,
  ADD CHECK ((class = 'shared') = (shared_by IS NOT NULL)),
  ADD FOREIGN KEY (sha256) REFERENCES runtime.artifacts;
UPDATE runtime.artifact_grants SET keep_until_ms = granted_at_ms + 604800000;
ALTER TABLE runtime.artifact_grants
  ALTER COLUMN keep_until_ms SET NOT NULL,
  ALTER COLUMN class DROP DEFAULT;
CREATE INDEX artifact_grants_due ON runtime.artifact_grants (keep_until_ms, org, sha256);
CREATE INDEX artifact_grants_by_sha256 ON runtime.artifact_grants (sha256);

-- What each organisation stored itself; moves with its grants of class stored.
CREATE TABLE runtime.artifact_usage (
  org text PRIMARY KEY,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  objects bigint NOT NULL CHECK (objects >= 0)
);
INSERT INTO runtime.artifact_usage
  SELECT org, sum(bytes), count(*) FROM runtime.artifact_grants GROUP BY org;

-- What refers to an artifact is looked up by it.
CREATE INDEX jobs_by_input ON runtime.jobs USING gin (inputs);
CREATE INDEX job_outputs_by_sha256 ON runtime.job_outputs (sha256, job_id);

GRANT SELECT, INSERT, UPDATE, DELETE
  ON runtime.artifacts, runtime.loose_blobs, runtime.artifact_grants, runtime.artifact_usage TO :app_role;
