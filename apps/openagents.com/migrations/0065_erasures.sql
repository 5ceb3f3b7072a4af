-- Accounts that ended, and when what they wrote was erased. The account itself is
-- gone by then; this is what is left to do of it.
CREATE TABLE control.erasures (
  user_id text PRIMARY KEY,
  -- That ended with the account, since nobody else was in them.
  closed_orgs text[] NOT NULL,
  asked_at_ms bigint NOT NULL,
  erased_at_ms bigint
);
CREATE INDEX erasures_due ON control.erasures (asked_at_ms) WHERE erased_at_ms IS NULL;

GRANT SELECT, INSERT ON control.erasures TO :app_role;
GRANT UPDATE (erased_at_ms) ON control.erasures TO :app_role;

-- What a person wrote, and what names one. Receipts and the audit log are not among it.
GRANT UPDATE (name) ON control.api_keys TO :app_role;
GRANT UPDATE (name, platform) ON control.devices TO :app_role;
GRANT UPDATE (arguments) ON control.tool_executions TO :app_role;
GRANT UPDATE (user_id) ON control.handles TO :app_role;
GRANT DELETE ON control.codex_worker_requests TO :app_role;
-- Answers are kept for whoever may repeat a command, and who is gone may not. The
-- key, the request's hash and the status stay.
GRANT UPDATE (body) ON authority.commands, authority.command_outcomes TO :app_role;
