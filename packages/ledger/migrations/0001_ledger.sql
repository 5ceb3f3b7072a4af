-- Double entry. Every transfer moves one amount from one account to another,
-- so the sum over all accounts of a unit is zero by construction.

CREATE SCHEMA ledger;

CREATE TABLE ledger.accounts (
  id text PRIMARY KEY,
  unit text NOT NULL,
  owner text NOT NULL,
  kind text NOT NULL,
  debits_posted bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
  credits_posted bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
  debits_pending bigint NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
  credits_pending bigint NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
  -- The least that may be left after everything pending is taken; none when absent.
  floor bigint,
  created_at_ms bigint NOT NULL,
  CONSTRAINT accounts_floor CHECK (floor IS NULL OR credits_posted - debits_posted - debits_pending >= floor),
  -- What transfers refer to, so that a transfer between units cannot be stored.
  UNIQUE (id, unit)
  -- Balances change often and no index names them: with room on its page, an update stays there.
) WITH (fillfactor = 50);

CREATE TABLE ledger.transfers (
  id text PRIMARY KEY,
  -- Drawn while both accounts are locked: in this order each account's transfers happened.
  seq bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL CHECK (kind IN ('posted', 'pending', 'post', 'void', 'expire')),
  debit_account text NOT NULL,
  credit_account text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  unit text NOT NULL,
  -- The pending transfer that a post, void or expire resolves. Unique: it is resolved at most once.
  pending_id text UNIQUE REFERENCES ledger.transfers,
  -- The receipt that caused it.
  receipt_id text NOT NULL,
  expires_at_ms bigint,
  created_at_ms bigint NOT NULL,
  CONSTRAINT transfers_debit_account FOREIGN KEY (debit_account, unit) REFERENCES ledger.accounts (id, unit),
  CONSTRAINT transfers_credit_account FOREIGN KEY (credit_account, unit) REFERENCES ledger.accounts (id, unit),
  CHECK (debit_account <> credit_account),
  CHECK ((kind IN ('post', 'void', 'expire')) = (pending_id IS NOT NULL)),
  CHECK (expires_at_ms IS NULL OR kind = 'pending')
);
CREATE INDEX transfers_by_debit ON ledger.transfers (debit_account, seq);
CREATE INDEX transfers_by_credit ON ledger.transfers (credit_account, seq);

GRANT USAGE ON SCHEMA ledger TO :app_role;
-- Of an account only the balances change: not its floor, unit or owner.
GRANT SELECT, INSERT, UPDATE (debits_posted, credits_posted, debits_pending, credits_pending)
  ON ledger.accounts TO :app_role;
-- A transfer is never changed: a correction is a new one.
GRANT SELECT, INSERT ON ledger.transfers TO :app_role;
