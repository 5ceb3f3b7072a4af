-- Budgets: limits on what an organisation, a project or a run spends in a period.
-- The counters move with the transfer, in one transaction, while the organisation's
-- account is locked.

CREATE TABLE runtime.budgets (
  budget_id text PRIMARY KEY,
  org text NOT NULL,
  level text NOT NULL CHECK (level IN ('org', 'project', 'run')),
  -- The project's name, the run's id, or nothing for the organisation.
  subject text NOT NULL,
  period text NOT NULL CHECK (period IN ('none', 'day', 'week', 'month')),
  limit_msats bigint NOT NULL CHECK (limit_msats > 0),
  removed_at_ms bigint,
  -- Of the command that set it last.
  receipt_id text NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  UNIQUE (org, level, subject, period),
  CHECK ((level = 'org') = (subject = ''))
);
CREATE INDEX budgets_by_org ON runtime.budgets (org, budget_id) WHERE removed_at_ms IS NULL;
CREATE INDEX budgets_by_level ON runtime.budgets (org, level, budget_id) WHERE removed_at_ms IS NULL;

CREATE TABLE runtime.budget_counters (
  budget_id text NOT NULL REFERENCES runtime.budgets,
  -- 0 for a budget without a period.
  period_start_ms bigint NOT NULL,
  -- Of reservations that are open.
  reserved_msats bigint NOT NULL CHECK (reserved_msats >= 0),
  spent_msats bigint NOT NULL CHECK (spent_msats >= 0),
  PRIMARY KEY (budget_id, period_start_ms)
) WITH (fillfactor = 50);

-- What each reservation counts towards, and of which period it stays.
CREATE TABLE runtime.budget_entries (
  reservation_id text NOT NULL REFERENCES runtime.reservations,
  budget_id text NOT NULL,
  period_start_ms bigint NOT NULL,
  amount_msats bigint NOT NULL CHECK (amount_msats > 0),
  -- Absent while the reservation is open.
  spent_msats bigint CHECK (spent_msats BETWEEN 0 AND amount_msats),
  PRIMARY KEY (reservation_id, budget_id),
  FOREIGN KEY (budget_id, period_start_ms) REFERENCES runtime.budget_counters
);
CREATE INDEX budget_entries_by_counter ON runtime.budget_entries (budget_id, period_start_ms);

GRANT SELECT, INSERT ON runtime.budgets, runtime.budget_counters, runtime.budget_entries TO :app_role;
GRANT UPDATE (limit_msats, removed_at_ms, receipt_id, updated_at_ms) ON runtime.budgets TO :app_role;
GRANT UPDATE (reserved_msats, spent_msats) ON runtime.budget_counters TO :app_role;
GRANT UPDATE (spent_msats) ON runtime.budget_entries TO :app_role;
