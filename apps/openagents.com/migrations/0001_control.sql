-- What the control service holds: identity in `auth`, everything else in `control`.
CREATE SCHEMA auth;
CREATE SCHEMA control;
GRANT USAGE ON SCHEMA auth, control TO :app_role;
