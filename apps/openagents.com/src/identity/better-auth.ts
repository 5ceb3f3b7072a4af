// better-auth as this service uses it: which ways in there are, how long things
// live, and what is told when something changes. Nothing outside of this folder
// sees its types.

import { passkey } from "@better-auth/passkey";
import { newId } from "@openagents/authority";
import type { Logger } from "@openagents/service";
import { betterAuth, type BetterAuthOptions } from "better-auth";
import { getAdapter } from "better-auth/db/adapter";
import { bearer, deviceAuthorization, emailOTP, organization } from "better-auth/plugins";
import { Kysely, PostgresDialect } from "kysely";
import type pg from "pg";
import { hashSecrets } from "./hashed-adapter.ts";
import { accessControl, roles } from "./roles.ts";
import type { Secrets } from "./secrets.ts";
import type { SignInMethod } from "./session.ts";

/** On plain http as well: browsers take localhost for secure. */
export const SESSION_COOKIE = "__Host-openagents_session";

const PASSKEY_COOKIE = "__Host-openagents_passkey";

/** Set by us on the way in, never taken from a caller: who the connection is from. */
export const ADDRESS_HEADER = "x-openagents-address";

/** Who may ask for a device code. */
export const DEVICE_CLIENTS: ReadonlySet<string> = new Set(["openagents-cli", "openagents-desktop"]);

export const SESSION_LIFE_S = 30 * 24 * 3600;
/** How old a session gets before being used makes it live on. */
const SESSION_RENEWAL_S = 24 * 3600;
/** A passkey is added by somebody who has just signed in. */
const FRESH_S = 15 * 60;
const CODE_LIFE_S = 600;
const CODE_TRIES_MAX = 5;

/** What better-auth asks of the rest of the identity. */
export type AuthPorts = {
  readonly sendCode: (code: { readonly email: string; readonly code: string }) => Promise<void>;
  /** The organisation of a user's own, made when there is none yet. */
  readonly personalOrg: (userId: string) => Promise<string>;
  readonly userCreated: (user: { readonly id: string; readonly email: string }) => Promise<void>;
  readonly sessionCreated: (session: { readonly id: string; readonly userId: string }) => Promise<void>;
  /** Before it is gone: what would be told after it could be lost in between. */
  readonly sessionEnding: (session: { readonly id: string; readonly userId: string }) => Promise<void>;
};

export type AuthSettings = {
  readonly secret: string;
  /** Where browsers reach the service. */
  readonly publicUrl: string;
  readonly secrets: Secrets;
  readonly nowMs: () => number;
  readonly log: Logger;
};

const ID_PREFIXES: Readonly<Record<string, string>> = {
  user: "usr",
  organization: "org",
  member: "mem",
  invitation: "inv",
  session: "ses",
  account: "acc",
  verification: "ver",
  passkey: "pky",
  deviceCode: "dvc",
};

/** Ways to a session by the path that makes it; one that is not here makes none. */
const METHOD_OF_PATH: Readonly<Record<string, SignInMethod>> = {
  "/sign-in/email-otp": "otp",
  "/passkey/verify-authentication": "passkey",
  "/device/token": "device",
};

export async function createBetterAuth(settings: AuthSettings, pool: pg.Pool, ports: AuthPorts) {
  const options = authOptions(settings, ports);
  const db = new Kysely<never>({ dialect: new PostgresDialect({ pool }) });
  const adapter = await getAdapter({ ...options, database: { db, type: "postgres", transaction: true } });
  const auth = betterAuth({ ...options, database: () => hashSecrets(adapter, settings.secrets) });
  await auth.$context;
  return auth;
}

export type BetterAuth = Awaited<ReturnType<typeof createBetterAuth>>;

/** The options; apart from the instance, so that a test can compare the schema that they ask for. */
export function authOptions(settings: AuthSettings, ports: AuthPorts) {
  const { secret, publicUrl, secrets, nowMs, log } = settings;
  const hostCookie = (name: string) => ({ name, attributes: HOST_COOKIE });
  return {
    appName: "OpenAgents",
    baseURL: publicUrl,
    basePath: "/api/auth",
    secret,
    trustedOrigins: [publicUrl],
    telemetry: { enabled: false },
    // Ours stands in front of it, in the database, for all instances together.
    rateLimit: { enabled: false },
    logger: {
      level: "error",
      log: (_level, message, ...about) => log.error({ about }, `better-auth: ${message}`),
    },
    // What is no answer to the caller is thrown to us, and not printed.
    onAPIError: { throw: true },
    session: {
      expiresIn: SESSION_LIFE_S,
      updateAge: SESSION_RENEWAL_S,
      freshAge: FRESH_S,
      // A revoked session must not live on in a cookie.
      cookieCache: { enabled: false },
      additionalFields: {
        authenticatedAt: { type: "date", required: true, input: false },
        methods: { type: "string", required: true, input: false },
      },
    },
    // What has expired is forgotten by our own sweep, and not by everybody who signs in.
    verification: { disableCleanup: true },
    advanced: {
      useSecureCookies: false,
      cookies: {
        session_token: hostCookie(SESSION_COOKIE),
        session_data: hostCookie("__Host-openagents_session_data"),
        account_data: hostCookie("__Host-openagents_account_data"),
        dont_remember: hostCookie("__Host-openagents_dont_remember"),
        [PASSKEY_COOKIE]: hostCookie(PASSKEY_COOKIE),
      },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
      database: { generateId: ({ model }) => newId(ID_PREFIXES[model] ?? "ids", nowMs()) },
    },
    databaseHooks: {
      user: {
        create: {
          async after(user) {
            await ports.userCreated(user);
          },
        },
      },
      session: {
        create: {
          async before(session, context) {
            const methods = "methods" in session ? session.methods : METHOD_OF_PATH[context?.path ?? ""];
            if (methods === undefined) throw new Error(`no session is made by ${context?.path ?? "nothing"}`);
            const activeOrganizationId = await ports.personalOrg(session.userId);
            return { data: { methods, activeOrganizationId, authenticatedAt: new Date(nowMs()) } };
          },
          async after(session) {
            await ports.sessionCreated(session);
          },
        },
        delete: {
          async before(session) {
            await ports.sessionEnding(session);
          },
        },
      },
    },
    plugins: [
      emailOTP({
        otpLength: 6,
        expiresIn: CODE_LIFE_S,
        allowedAttempts: CODE_TRIES_MAX,
        storeOTP: { hash: async (code) => secrets.storedCode(code) },
        sendVerificationOTP: ({ email, otp }) => ports.sendCode({ email, code: otp }),
      }),
      passkey({
        rpID: new URL(publicUrl).hostname,
        rpName: "OpenAgents",
        origin: publicUrl,
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        advanced: { webAuthnChallengeCookie: PASSKEY_COOKIE },
      }),
      organization({
        ac: accessControl,
        roles,
        creatorRole: "owner",
        requireEmailVerificationOnInvitation: true,
        schema: {
          organization: {
            additionalFields: {
              personal: { type: "boolean", required: true, defaultValue: false, input: false },
            },
          },
        },
      }),
      deviceAuthorization({
        expiresIn: "10m",
        interval: "5s",
        verificationUri: "/device",
        validateClient: (clientId) => DEVICE_CLIENTS.has(clientId),
      }),
      bearer(),
    ],
  } satisfies BetterAuthOptions;
}

/** What every cookie of ours is: to this host alone, out of reach of scripts, not sent by forms of other sites. */
const HOST_COOKIE = { secure: true, httpOnly: true, sameSite: "lax", path: "/" } as const;
