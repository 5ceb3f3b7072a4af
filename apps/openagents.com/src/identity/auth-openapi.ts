// OpenAPI 3.1 of `/api/auth/*`, which has no contract of ours: better-auth's part
// as we mount it, and what we add to it. Kept by hand, and compared with the routes
// that are mounted by auth-openapi.test.ts.

import { requestIdOf } from "@openagents/contracts";
import type { FastifyInstance } from "fastify";
import { COMMANDS_INSTEAD } from "./surface.ts";

type Schema = Readonly<Record<string, unknown>>;

type AuthOperation = {
  readonly verb: "GET" | "POST";
  /** Under `/api/auth`. */
  readonly path: string;
  readonly summary: string;
  /** What proves who asks: a cookie with its CSRF token, or a session token; nothing when absent. */
  readonly signedIn?: true;
  /** Fields by name; those with a question mark at the end may be left out. */
  readonly query?: Readonly<Record<string, Schema>>;
  readonly body?: Readonly<Record<string, Schema>>;
  /** What a success answers; absent where it is what better-auth has of it. */
  readonly answer?: Readonly<Record<string, Schema>>;
};

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const TIME = { type: "string", format: "date-time" } as const;
const EMAIL = { type: "string", format: "email", maxLength: 254 } as const;
const OBJECT = { type: "object" } as const;
const TEXTS = { type: "array", items: TEXT } as const;
const NAME = { type: "string", maxLength: 100 } as const;
const ORG_QUERY = { "organizationId?": TEXT } as const;

const USER = {
  type: "object",
  properties: { id: TEXT, email: EMAIL, emailVerified: FLAG, name: TEXT },
} as const;

const AUTH_OPERATIONS: readonly AuthOperation[] = [
  {
    verb: "GET",
    path: "/sign-in-options",
    summary: "By what people sign in here: `otp`, `passkey`, or `sso` alone.",
    answer: { methods: TEXTS },
  },
  {
    verb: "POST",
    path: "/email-otp/send-verification-otp",
    summary: "Mail a code of six digits, good once within ten minutes. 503 `mail_not_sent`.",
    body: { email: EMAIL, type: { const: "sign-in" } },
    answer: { success: FLAG },
  },
  {
    verb: "POST",
    path: "/sign-in/email-otp",
    summary: "Begin a session by the code; the first one makes the account.",
    body: { email: EMAIL, otp: TEXT, "name?": NAME },
    answer: { "token?": TEXT, user: USER },
  },
  {
    verb: "POST",
    path: "/sign-out",
    summary: "End this session.",
    signedIn: true,
    answer: { success: FLAG },
  },
  {
    verb: "GET",
    path: "/get-session",
    summary: "Who is signed in; `null` for nobody.",
    answer: { session: OBJECT, user: USER },
  },
  {
    verb: "GET",
    path: "/csrf",
    summary: "The session's CSRF token, for `x-csrf-token` of commands that a cookie authenticates.",
    signedIn: true,
    answer: { csrf_token: TEXT },
  },
  {
    verb: "GET",
    path: "/sessions",
    summary: "Where the person is signed in; at most 200.",
    signedIn: true,
    answer: {
      sessions: {
        type: "array",
        items: {
          type: "object",
          properties: {
            session_id: TEXT,
            current: FLAG,
            created_at: TIME,
            authenticated_at: TIME,
            expires_at: TIME,
            methods: TEXTS,
            user_agent: TEXT,
            address: TEXT,
          },
        },
      },
    },
  },
  {
    verb: "POST",
    path: "/sessions/revoke",
    summary: "End one session of the person's. 404 `session_not_found`.",
    signedIn: true,
    body: { session_id: TEXT },
    answer: { session_id: TEXT, revoked: FLAG },
  },
  {
    verb: "POST",
    path: "/sign-out-everywhere",
    summary: "End all sessions of the person's.",
    signedIn: true,
    answer: { sessions_ended: { type: "integer" } },
  },
  {
    verb: "POST",
    path: "/update-user",
    summary: "How members of one's organisations see one.",
    signedIn: true,
    body: { name: NAME },
    answer: { status: FLAG },
  },

  {
    verb: "GET",
    path: "/passkey/generate-register-options",
    summary: "Options of WebAuthn for a new passkey; a sign-in of the last 15 minutes is needed.",
    signedIn: true,
    query: { "name?": TEXT },
  },
  {
    verb: "POST",
    path: "/passkey/verify-registration",
    summary: "Add the passkey that the browser made.",
    signedIn: true,
    body: { response: OBJECT, "name?": TEXT },
  },
  {
    verb: "GET",
    path: "/passkey/generate-authenticate-options",
    summary: "Options of WebAuthn for a sign-in.",
  },
  {
    verb: "POST",
    path: "/passkey/verify-authentication",
    summary: "Begin a session by a passkey that has verified its person. 403 `user_not_verified`.",
    body: { response: OBJECT },
    answer: { session: OBJECT },
  },
  {
    verb: "GET",
    path: "/passkey/list-user-passkeys",
    summary: "The person's passkeys.",
    signedIn: true,
  },
  {
    verb: "POST",
    path: "/passkey/delete-passkey",
    summary: "Take a passkey away.",
    signedIn: true,
    body: { id: TEXT },
  },
  {
    verb: "POST",
    path: "/passkey/update-passkey",
    summary: "Give a passkey another name.",
    signedIn: true,
    body: { id: TEXT, name: TEXT },
  },

  {
    verb: "POST",
    path: "/organization/set-active",
    summary: "For which organisation tokens of this session are where they name none.",
    signedIn: true,
    body: { organizationId: TEXT },
  },
  { verb: "GET", path: "/organization/list", summary: "The person's organisations.", signedIn: true },
  {
    verb: "GET",
    path: "/organization/get-full-organization",
    summary: "An organisation with its members and invitations, for its members.",
    signedIn: true,
    query: ORG_QUERY,
  },
  {
    verb: "GET",
    path: "/organization/list-members",
    summary: "The members of an organisation, for its members.",
    signedIn: true,
    query: ORG_QUERY,
  },
  {
    verb: "GET",
    path: "/organization/get-active-member",
    summary: "What the person is in the session's organisation.",
    signedIn: true,
  },
  {
    verb: "GET",
    path: "/organization/get-invitation",
    summary: "An invitation, for the person with its address.",
    signedIn: true,
    query: { id: TEXT },
  },
  {
    verb: "GET",
    path: "/organization/list-invitations",
    summary: "Invitations of an organisation, for its members.",
    signedIn: true,
    query: ORG_QUERY,
  },
  {
    verb: "GET",
    path: "/organization/list-user-invitations",
    summary: "Invitations that wait for the person.",
    signedIn: true,
  },

  {
    verb: "POST",
    path: "/device/code",
    summary: "A code for a device without a browser (RFC 8628). Also as a form.",
    body: { client_id: { enum: ["openagents-cli", "openagents-desktop"] }, "scope?": TEXT },
    answer: {
      device_code: TEXT,
      user_code: TEXT,
      verification_uri: TEXT,
      verification_uri_complete: TEXT,
      expires_in: { type: "integer" },
      interval: { type: "integer" },
    },
  },
  {
    verb: "POST",
    path: "/device/token",
    summary: "The session token, once a person let the device in. Also as a form.",
    body: {
      grant_type: { const: "urn:ietf:params:oauth:grant-type:device_code" },
      device_code: TEXT,
      client_id: TEXT,
    },
    answer: { access_token: TEXT, token_type: { const: "Bearer" }, expires_in: { type: "integer" } },
  },
  {
    verb: "GET",
    path: "/device",
    summary: "Whether a user code waits for a decision.",
    query: { user_code: TEXT },
  },
  {
    verb: "POST",
    path: "/device/approve",
    summary: "Let the device in.",
    signedIn: true,
    body: { userCode: TEXT },
  },
  {
    verb: "POST",
    path: "/device/deny",
    summary: "Do not let the device in.",
    signedIn: true,
    body: { userCode: TEXT },
  },

  {
    verb: "POST",
    path: "/token",
    summary:
      "An access token (RFC 6749, RFC 8693) by `grant_type` `session` (this session), `refresh_token`, `api_key`, `device` (a signed challenge), or `urn:ietf:params:oauth:grant-type:token-exchange`.",
    body: {
      grant_type: TEXT,
      "org?": TEXT,
      "scope?": TEXT,
      "refresh_token?": TEXT,
      "api_key?": TEXT,
      "public_key?": TEXT,
      "challenge?": TEXT,
      "signature?": TEXT,
      "subject_token?": TEXT,
      "actor_token?": TEXT,
      "audience?": TEXT,
      "method?": TEXT,
    },
    answer: {
      access_token: TEXT,
      token_type: { const: "Bearer" },
      expires_in: { type: "integer" },
      scope: TEXT,
      org: TEXT,
      "refresh_token?": TEXT,
    },
  },
  {
    verb: "POST",
    path: "/token/challenge",
    summary: "What a device signs for its token; good once within five minutes.",
    body: { public_key: { type: "string", pattern: "^[0-9a-f]{64}$" } },
    answer: { challenge: TEXT, expires_at: TIME, device_id: TEXT },
  },
  {
    verb: "GET",
    path: "/jwks",
    summary: "The keys that verify access tokens (RFC 7517).",
    answer: { keys: { type: "array", items: OBJECT } },
  },
  { verb: "GET", path: "/openapi.json", summary: "This document." },
];

const PROBLEM = {
  description: "What went wrong and what to do next (RFC 9457). Beside it stand better-auth's own members.",
  content: {
    "application/problem+json": {
      schema: { type: "object", properties: { status: { type: "integer" }, code: TEXT, detail: TEXT } },
    },
  },
} as const;

export function authOpenApi(version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const each of AUTH_OPERATIONS) {
    const item = (paths[`/api/auth${each.path}`] ??= {});
    item[each.verb.toLowerCase()] = operation(each);
  }
  for (const { path, command } of COMMANDS_INSTEAD)
    paths[`/api/auth${path}`] = {
      post: {
        summary: `Does nothing: use ${command}.`,
        deprecated: true,
        responses: { 410: { $ref: "#/components/responses/Problem" } },
      },
    };
  return {
    openapi: "3.1.1",
    info: {
      title: "OpenAgents sign-in",
      version,
      description: "Sessions and tokens. Everything else is at /openapi.json, with an access token.",
    },
    paths,
    components: {
      responses: { Problem: PROBLEM },
      securitySchemes: {
        sessionToken: { type: "http", scheme: "bearer" },
        sessionCookie: { type: "apiKey", in: "cookie", name: "__Host-openagents_session" },
        csrfToken: { type: "apiKey", in: "header", name: "x-csrf-token" },
      },
    },
  };
}

/** `GET /api/auth/openapi.json`. */
export function registerAuthDocument(scope: FastifyInstance, version: string): void {
  const text = JSON.stringify(authOpenApi(version));
  scope.get("/api/auth/openapi.json", async (request, reply) =>
    reply
      .header("content-type", "application/json; charset=utf-8")
      .header("cache-control", "public, max-age=60")
      .header("x-request-id", requestIdOf(request))
      .send(text),
  );
}

function operation({ verb, summary, signedIn, query, body, answer }: AuthOperation): Schema {
  const cookie = verb === "GET" ? { sessionCookie: [] } : { sessionCookie: [], csrfToken: [] };
  return {
    summary,
    security: signedIn === true ? [cookie, { sessionToken: [] }] : [],
    ...(query === undefined ? {} : { parameters: parametersOf(query) }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: objectOf(body) } } } }),
    responses: {
      200: {
        description: "Done.",
        content: { "application/json": { schema: answer === undefined ? {} : objectOf(answer) } },
      },
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function parametersOf(query: Readonly<Record<string, Schema>>): Schema[] {
  return Object.entries(query).map(([field, schema]) => ({
    name: nameOf(field),
    in: "query",
    required: !isOptional(field),
    schema,
  }));
}

function objectOf(fields: Readonly<Record<string, Schema>>): Schema {
  const names = Object.keys(fields);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [nameOf(name), fields[name]])),
    required: names.filter((name) => !isOptional(name)),
  };
}

function isOptional(field: string): boolean {
  return field.endsWith("?");
}

function nameOf(field: string): string {
  return field.replace(/\?$/, "");
}
