-- How much each organisation may ask of the market at once. In the database, so
-- that limits hold across processes and restarts. A row says when the bucket will
-- be full again (its theoretical arrival time): more than a window ahead is too much.

CREATE TABLE runtime.rate_limits (
  org text NOT NULL,
  class text NOT NULL,
  full_at_us bigint NOT NULL,
  taken_at_us bigint NOT NULL,
  window_us bigint NOT NULL CHECK (window_us > 0),
  PRIMARY KEY (org, class),
  CONSTRAINT rate_limits_within CHECK (full_at_us - taken_at_us <= window_us)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON runtime.rate_limits TO :app_role;
