-- What others see of a person, and what persons say to all and to each other.
CREATE TABLE control.profiles (
  user_id text PRIMARY KEY,
  handle text UNIQUE CHECK (handle ~ '^[a-z0-9][a-z0-9_-]{1,30}$'),
  display_name text NOT NULL,
  bio text NOT NULL,
  updated_at_ms bigint NOT NULL
);

-- A handle that was once somebody's is never another's: what was written to it must not reach a stranger.
CREATE TABLE control.handles (
  handle text PRIMARY KEY,
  user_id text NOT NULL,
  taken_at_ms bigint NOT NULL
);

CREATE TABLE control.shouts (
  shout_id text PRIMARY KEY,
  author text NOT NULL REFERENCES control.profiles,
  zone text,
  -- Empty once it is gone.
  body text NOT NULL,
  posted_at_ms bigint NOT NULL,
  gone_at_ms bigint,
  removed_because text,
  CHECK ((gone_at_ms IS NULL) = (body <> ''))
);
CREATE INDEX shouts_by_zone ON control.shouts (zone, shout_id DESC);
CREATE INDEX shouts_by_author ON control.shouts (author, posted_at_ms);
CREATE INDEX shouts_by_time ON control.shouts (posted_at_ms, zone) WHERE gone_at_ms IS NULL;

CREATE TABLE control.whispers (
  whisper_id text PRIMARY KEY,
  sender text NOT NULL REFERENCES control.profiles,
  recipient text NOT NULL REFERENCES control.profiles,
  body text NOT NULL,
  sent_at_ms bigint NOT NULL,
  read_at_ms bigint,
  CHECK (sender <> recipient)
);
CREATE INDEX whispers_by_sender ON control.whispers (sender, sent_at_ms);

-- Whose list a message is in: two rows while both keep it.
CREATE TABLE control.whisper_copies (
  user_id text NOT NULL,
  whisper_id text NOT NULL REFERENCES control.whispers ON DELETE CASCADE,
  peer text NOT NULL,
  PRIMARY KEY (user_id, whisper_id)
);
CREATE INDEX whisper_copies_by_peer ON control.whisper_copies (user_id, peer, whisper_id DESC);
CREATE INDEX whisper_copies_by_whisper ON control.whisper_copies (whisper_id);

GRANT SELECT, INSERT ON control.handles TO :app_role;
GRANT SELECT, INSERT, UPDATE ON control.profiles, control.shouts TO :app_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.whispers, control.whisper_copies TO :app_role;
