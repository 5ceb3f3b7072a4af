-- Persons are told of requests that nobody decided in time: when that was.
ALTER TABLE control.approvals ADD COLUMN expired_at_ms bigint CHECK (expired_at_ms IS NULL OR decision IS NULL);
CREATE INDEX approvals_to_expire ON control.approvals (expires_at_ms) WHERE decision IS NULL AND expired_at_ms IS NULL;

-- What became of mail is kept for a while.
CREATE INDEX mail_deliveries_by_time ON control.mail_deliveries (recorded_at_ms);
GRANT DELETE ON control.mail_deliveries TO :app_role;
