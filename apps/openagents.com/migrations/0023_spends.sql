-- What the limits of autopilots were asked for.
CREATE TABLE control.autopilot_spends (
  spend_id text PRIMARY KEY,
  autopilot_id text NOT NULL REFERENCES control.autopilots,
  status text NOT NULL CHECK (status IN ('reserved', 'ended')),
  reserved_msats bigint NOT NULL CHECK (reserved_msats > 0),
  spent_msats bigint CHECK (spent_msats BETWEEN 0 AND reserved_msats),
  purpose text NOT NULL,
  receipt_id text NOT NULL,
  reserved_at_ms bigint NOT NULL,
  CHECK ((status = 'ended') = (spent_msats IS NOT NULL))
);

-- Reserved and spent, by the period in which it was reserved: a day as 2026-01-31, a month as 2026-01.
CREATE TABLE control.autopilot_spending (
  autopilot_id text NOT NULL REFERENCES control.autopilots,
  period text NOT NULL,
  msats bigint NOT NULL CHECK (msats >= 0),
  PRIMARY KEY (autopilot_id, period)
);

GRANT SELECT, INSERT, UPDATE ON control.autopilot_spends, control.autopilot_spending TO :app_role;
