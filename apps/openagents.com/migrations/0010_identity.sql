-- People, sessions and organisations: the tables of better-auth under its own
-- names, which its queries are written with, and what stands around them.
-- identity.pg.test.ts compares them with what better-auth expects.

CREATE TABLE auth."user" (
  "id" text PRIMARY KEY,
  "name" text NOT NULL,
  "email" text NOT NULL UNIQUE,
  "emailVerified" boolean NOT NULL,
  "image" text,
  "createdAt" timestamptz NOT NULL,
  "updatedAt" timestamptz NOT NULL
);

-- "token" is a hash, and so are the codes of "deviceCode" and the values of "verification".
CREATE TABLE auth."session" (
  "id" text PRIMARY KEY,
  "expiresAt" timestamptz NOT NULL,
  "token" text NOT NULL UNIQUE,
  "createdAt" timestamptz NOT NULL,
  "updatedAt" timestamptz NOT NULL,
  "ipAddress" text,
  "userAgent" text,
  "userId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  "activeOrganizationId" text,
  "authenticatedAt" timestamptz NOT NULL,
  "methods" text NOT NULL
);
CREATE INDEX "session_userId_idx" ON auth."session" ("userId");
CREATE INDEX "session_expiresAt_idx" ON auth."session" ("expiresAt");

CREATE TABLE auth."account" (
  "id" text PRIMARY KEY,
  "accountId" text NOT NULL,
  "providerId" text NOT NULL,
  "userId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  "accessToken" text,
  "refreshToken" text,
  "idToken" text,
  "accessTokenExpiresAt" timestamptz,
  "refreshTokenExpiresAt" timestamptz,
  "scope" text,
  "password" text,
  "createdAt" timestamptz NOT NULL,
  "updatedAt" timestamptz NOT NULL
);
CREATE INDEX "account_userId_idx" ON auth."account" ("userId");
CREATE UNIQUE INDEX "account_provider_idx" ON auth."account" ("providerId", "accountId");

CREATE TABLE auth."verification" (
  "id" text PRIMARY KEY,
  "identifier" text NOT NULL,
  "value" text NOT NULL,
  "expiresAt" timestamptz NOT NULL,
  "createdAt" timestamptz NOT NULL,
  "updatedAt" timestamptz NOT NULL
);
CREATE INDEX "verification_identifier_idx" ON auth."verification" ("identifier");
CREATE INDEX "verification_expiresAt_idx" ON auth."verification" ("expiresAt");

CREATE TABLE auth."passkey" (
  "id" text PRIMARY KEY,
  "name" text,
  "publicKey" text NOT NULL,
  "userId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  "credentialID" text NOT NULL,
  "counter" integer NOT NULL,
  "deviceType" text NOT NULL,
  "backedUp" boolean NOT NULL,
  "transports" text,
  "createdAt" timestamptz,
  "aaguid" text
);
CREATE INDEX "passkey_userId_idx" ON auth."passkey" ("userId");
CREATE UNIQUE INDEX "passkey_credentialID_idx" ON auth."passkey" ("credentialID");

CREATE TABLE auth."organization" (
  "id" text PRIMARY KEY,
  "name" text NOT NULL,
  "slug" text NOT NULL UNIQUE,
  "logo" text,
  "createdAt" timestamptz NOT NULL,
  "metadata" text,
  -- Made with its user, who is alone in it.
  "personal" boolean NOT NULL
);

CREATE TABLE auth."member" (
  "id" text PRIMARY KEY,
  "organizationId" text NOT NULL REFERENCES auth."organization" ("id") ON DELETE CASCADE,
  "userId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  "role" text NOT NULL,
  "createdAt" timestamptz NOT NULL
);
CREATE INDEX "member_userId_idx" ON auth."member" ("userId");
-- Two acceptances at once make one member.
CREATE UNIQUE INDEX "member_organizationId_idx" ON auth."member" ("organizationId", "userId");

CREATE TABLE auth."invitation" (
  "id" text PRIMARY KEY,
  "organizationId" text NOT NULL REFERENCES auth."organization" ("id") ON DELETE CASCADE,
  "email" text NOT NULL,
  "role" text,
  "status" text NOT NULL,
  "expiresAt" timestamptz NOT NULL,
  "createdAt" timestamptz NOT NULL,
  "inviterId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE
);
CREATE INDEX "invitation_organizationId_idx" ON auth."invitation" ("organizationId");
CREATE INDEX "invitation_email_idx" ON auth."invitation" ("email");

CREATE TABLE auth."deviceCode" (
  "id" text PRIMARY KEY,
  "deviceCode" text NOT NULL,
  "userCode" text NOT NULL,
  "userId" text,
  "expiresAt" timestamptz NOT NULL,
  "status" text NOT NULL,
  "lastPolledAt" timestamptz,
  "pollingInterval" integer,
  "clientId" text,
  "scope" text
);
CREATE UNIQUE INDEX "deviceCode_deviceCode_uidx" ON auth."deviceCode" ("deviceCode");
CREATE UNIQUE INDEX "deviceCode_userCode_uidx" ON auth."deviceCode" ("userCode");
CREATE INDEX "deviceCode_expiresAt_idx" ON auth."deviceCode" ("expiresAt");

-- How often somebody has tried: when the next try is free, by rule and caller, for all instances.
CREATE TABLE auth.throttle (
  bucket text PRIMARY KEY,
  free_at_ms bigint NOT NULL
);
CREATE INDEX throttle_free_at_idx ON auth.throttle (free_at_ms);

-- Links that sign in once.
CREATE TABLE auth.sign_in_link (
  token_hash text PRIMARY KEY,
  user_id text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  expires_at_ms bigint NOT NULL
);
CREATE INDEX sign_in_link_expires_at_idx ON auth.sign_in_link (expires_at_ms);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA auth TO :app_role;
