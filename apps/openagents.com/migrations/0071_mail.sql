-- Secrets that are one person's: of their mailboxes.
ALTER TABLE control.integrations ADD COLUMN owner text NOT NULL DEFAULT '';
ALTER TABLE control.integrations
  DROP CONSTRAINT integrations_pkey,
  ADD PRIMARY KEY (org, provider, owner),
  DROP CONSTRAINT integrations_provider_check,
  ADD CONSTRAINT integrations_provider_check
    CHECK (provider IN ('github', 'forgejo', 'resend') AND owner = '' OR provider IN ('gmail', 'imap') AND owner <> '');

-- Authorisations that were begun at a provider and have not come back yet.
CREATE TABLE control.oauth_states (
  state_sha256 bytea PRIMARY KEY,
  org text NOT NULL,
  user_id text NOT NULL,
  -- Of the session that began it.
  sid text NOT NULL,
  -- The PKCE verifier, sealed.
  key_id text NOT NULL,
  nonce bytea NOT NULL,
  sealed bytea NOT NULL,
  expires_at_ms bigint NOT NULL
);
CREATE INDEX oauth_states_by_expiry ON control.oauth_states (expires_at_ms);

CREATE TABLE control.mailboxes (
  mailbox_id text PRIMARY KEY,
  org text NOT NULL,
  user_id text NOT NULL,
  provider text NOT NULL CHECK (provider IN ('gmail', 'imap')),
  address text NOT NULL,
  status text NOT NULL CHECK (status IN ('works', 'refused', 'unreachable')),
  synced_at_ms bigint,
  -- When it was asked last, whatever it answered, so that all get their turn.
  asked_at_ms bigint NOT NULL,
  connected_at_ms bigint NOT NULL,
  receipt_id text NOT NULL,
  UNIQUE (org, user_id, provider)
);
CREATE INDEX mailboxes_by_turn ON control.mailboxes (asked_at_ms);

CREATE TABLE control.mail_threads (
  thread_id text PRIMARY KEY,
  mailbox_id text NOT NULL REFERENCES control.mailboxes ON DELETE CASCADE,
  org text NOT NULL,
  user_id text NOT NULL,
  -- The provider's own id, where it has one.
  remote_thread text,
  subject text NOT NULL,
  correspondent text NOT NULL,
  snippet text NOT NULL,
  message_count integer NOT NULL,
  last_message_at_ms bigint NOT NULL
);
CREATE INDEX mail_threads_by_user ON control.mail_threads (org, user_id, last_message_at_ms DESC, thread_id DESC);
CREATE INDEX mail_threads_by_mailbox ON control.mail_threads (mailbox_id);
CREATE INDEX mail_threads_by_time ON control.mail_threads (last_message_at_ms);

CREATE TABLE control.mail_messages (
  -- Of the mailbox and the key, so that a message is there once.
  message_id text PRIMARY KEY,
  thread_id text NOT NULL REFERENCES control.mail_threads ON DELETE CASCADE,
  -- What the mailbox tells it by.
  message_key text NOT NULL,
  -- RFC 5322's, with those that it answers: what a reply refers to.
  rfc_message_id text,
  rfc_references text NOT NULL,
  sender text NOT NULL,
  reply_to text NOT NULL,
  recipients text[] NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  sent_by_us boolean NOT NULL,
  occurred_at_ms bigint NOT NULL
);
CREATE INDEX mail_messages_by_thread ON control.mail_messages (thread_id, occurred_at_ms DESC, message_id DESC);

CREATE TABLE control.mail_drafts (
  draft_id text PRIMARY KEY,
  org text NOT NULL,
  user_id text NOT NULL,
  -- It may be gone; the draft stays.
  mailbox_id text NOT NULL,
  thread_id text,
  remote_thread text,
  in_reply_to text,
  rfc_references text NOT NULL,
  from_address text NOT NULL,
  to_addresses text[] NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  version integer NOT NULL,
  status text NOT NULL CHECK (status IN ('waiting', 'rejected', 'pending', 'succeeded', 'failed')),
  authored_by text NOT NULL,
  approval_id text UNIQUE,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  sent_at_ms bigint,
  detail text,
  receipt_id text,
  CHECK ((status = 'waiting') = (receipt_id IS NULL)),
  CHECK ((status = 'succeeded') = (sent_at_ms IS NOT NULL))
);
CREATE INDEX mail_drafts_by_user ON control.mail_drafts (org, user_id, draft_id DESC);

-- What was decided is what is sent, and how it ended stays.
CREATE FUNCTION control.refuse_other_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('rejected', 'succeeded', 'failed') OR OLD.status = 'pending'
     AND (NEW.to_addresses, NEW.subject, NEW.body, NEW.from_address, NEW.version)
         IS DISTINCT FROM (OLD.to_addresses, OLD.subject, OLD.body, OLD.from_address, OLD.version) THEN
    RAISE EXCEPTION 'a draft that was decided stays as it is' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER mail_drafts_decided_stay BEFORE UPDATE ON control.mail_drafts
  FOR EACH ROW WHEN (OLD.status <> 'waiting') EXECUTE FUNCTION control.refuse_other_words();

GRANT SELECT, INSERT, DELETE ON control.oauth_states TO :app_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.mailboxes, control.mail_threads, control.mail_messages TO :app_role;
GRANT SELECT, INSERT, UPDATE ON control.mail_drafts TO :app_role;
