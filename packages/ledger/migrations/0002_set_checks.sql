-- What a transfer's accounts must be is checked once for a statement, not by two
-- foreign keys for each row: a batch inserts hundreds of transfers at once.
-- Accounts are never deleted and never change their unit (grants), so what held
-- when a transfer was made holds for ever.

ALTER TABLE ledger.transfers DROP CONSTRAINT transfers_debit_account;
ALTER TABLE ledger.transfers DROP CONSTRAINT transfers_credit_account;
ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_id_unit_key;

CREATE FUNCTION ledger.check_transfer_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Subqueries rather than joins: each is a probe of the primary key, whatever
  -- the planner believes about the number of rows.
  IF EXISTS (
    SELECT 1 FROM made m
     WHERE (SELECT a.unit FROM ledger.accounts a WHERE a.id = m.debit_account) IS DISTINCT FROM m.unit
        OR (SELECT a.unit FROM ledger.accounts a WHERE a.id = m.credit_account) IS DISTINCT FROM m.unit)
  THEN
    RAISE EXCEPTION 'an account of a transfer is missing or has another unit'
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'transfers_accounts';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER transfers_accounts AFTER INSERT ON ledger.transfers
  REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_transfer_accounts();

-- Most transfers resolve nothing: those need no entry.
ALTER TABLE ledger.transfers DROP CONSTRAINT transfers_pending_id_key;
CREATE UNIQUE INDEX transfers_pending_id_key ON ledger.transfers (pending_id) WHERE pending_id IS NOT NULL;
