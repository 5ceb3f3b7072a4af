-- What happened in the market, by party and day: its buyers by organisation, its
-- providers by worker. Moves with the command that it counts, so that looking
-- costs as many rows as there are days and measures, however much was traded.

CREATE TABLE runtime.market_counts (
  party text NOT NULL,
  capability text NOT NULL,
  -- Days since 1970, UTC.
  day integer NOT NULL,
  measure text NOT NULL,
  count bigint NOT NULL CHECK (count > 0),
  PRIMARY KEY (party, capability, day, measure)
);

GRANT SELECT, INSERT, UPDATE ON runtime.market_counts TO :app_role;
