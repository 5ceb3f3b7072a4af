// Sign-in at WorkOS, and nowhere else, where it is configured: the authorization
// code flow with PKCE. What must come back unchanged travels in a cookie that is
// bound to this host, so that a code is good only in the browser that asked for it.

import { createHash, randomBytes } from "node:crypto";
import { ProblemError } from "@openagents/contracts";
import { WorkOS } from "@workos-inc/node";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WorkOsSettings } from "../config.ts";
import type { Arrivals } from "./arrivals.ts";
import type { BetterAuth } from "./better-auth.ts";

const FLIGHT_COOKIE = "__Host-openagents_sso";
const FLIGHT_LIFE_S = 600;
const CALLBACK_PATH = "/sign-in/sso/callback";
const PROVIDER = "workos";
const TIMEOUT_MS = 10_000;

export type SsoDeps = {
  readonly settings: WorkOsSettings;
  readonly auth: () => Promise<BetterAuth>;
  readonly arrivals: Arrivals;
  readonly publicUrl: () => string;
  readonly addressOf: (request: FastifyRequest) => string;
};

export function registerSso(scope: FastifyInstance, deps: SsoDeps): void {
  const { settings, arrivals, publicUrl } = deps;
  const { userManagement } = workOsOf(settings);
  const redirectUri = () => publicUrl() + CALLBACK_PATH;

  scope.get("/sign-in/sso", (request, reply) => {
    const flight: Flight = {
      state: random(),
      codeVerifier: random(),
      returnTo: pathOf(queryOf(request, publicUrl()).get("return_to")),
    };
    const url = userManagement.getAuthorizationUrl({
      provider: "authkit",
      clientId: settings.clientId,
      redirectUri: redirectUri(),
      state: flight.state,
      codeChallenge: createHash("sha256").update(flight.codeVerifier).digest("base64url"),
      codeChallengeMethod: "S256",
    });
    return reply
      .header("set-cookie", flightCookie(encodeFlight(flight), FLIGHT_LIFE_S))
      .header("cache-control", "no-store")
      .redirect(url, 303);
  });

  scope.get(CALLBACK_PATH, async (request, reply) => {
    const query = queryOf(request, publicUrl());
    const flight = decodeFlight(request.headers.cookie);
    const [code, state] = [query.get("code"), query.get("state")];
    if (flight === undefined || code === null || state !== flight.state) throw notFromHere();
    const person = await authenticate(userManagement, {
      clientId: settings.clientId,
      code,
      codeVerifier: flight.codeVerifier,
      ipAddress: deps.addressOf(request),
      userAgent: request.headers["user-agent"] ?? "",
    });
    const userId = await userOf(await deps.auth(), person);
    void reply.header("set-cookie", flightCookie("", 0));
    return arrivals.signIn(request, reply, { userId, method: "sso", to: flight.returnTo });
  });
}

function workOsOf({ apiKey, clientId, baseUrl }: WorkOsSettings): WorkOS {
  // A code is good once: a second try of ours could only spoil the first.
  const options = { clientId, timeout: TIMEOUT_MS, maxRetries: 0 };
  if (baseUrl === undefined) return new WorkOS(apiKey, options);
  const { hostname, port, protocol } = new URL(baseUrl);
  const https = protocol === "https:";
  return new WorkOS(apiKey, {
    ...options,
    apiHostname: hostname,
    https,
    ...(port === "" ? {} : { port: Number(port) }),
  });
}

type Person = { readonly accountId: string; readonly email: string; readonly name: string };

type CodeOptions = Parameters<WorkOS["userManagement"]["authenticateWithCode"]>[0];

/** Throws 403 for a code that WorkOS refuses, and 503 when it does not answer. */
async function authenticate(userManagement: WorkOS["userManagement"], options: CodeOptions): Promise<Person> {
  const { user, impersonator } = await userManagement
    .authenticateWithCode(options)
    .catch((error: unknown) => {
      const status = error instanceof Error && "status" in error ? error.status : undefined;
      throw typeof status === "number" && status >= 400 && status < 500 && status !== 429
        ? notFromHere(error)
        : unavailable(error);
    });
  // Approvals are given by the person themselves, never by support in their name.
  if (impersonator !== undefined) throw refused("An impersonated sign-in is not one of its person.");
  if (!user.emailVerified) throw refused("The identity provider has not verified the address.");
  const name = [user.firstName, user.lastName].filter((part) => part).join(" ");
  return { accountId: user.id, email: user.email.toLowerCase(), name };
}

/** By the provider's account first, so that an address that changes there keeps its user here. */
async function userOf(auth: BetterAuth, { accountId, email, name }: Person): Promise<string> {
  const { internalAdapter } = await auth.$context;
  const owner = await internalAdapter.findAccountOwnerByKey({ providerId: PROVIDER, accountId });
  if (owner?.kind === "owned") return owner.user.id;
  const known = await internalAdapter.findUserByEmail(email);
  if (known !== null) {
    await internalAdapter.linkAccount({ userId: known.user.id, providerId: PROVIDER, accountId });
    if (!known.user.emailVerified) await internalAdapter.updateUser(known.user.id, { emailVerified: true });
    return known.user.id;
  }
  const made = await internalAdapter.createOAuthUser(
    { email, name, emailVerified: true },
    { providerId: PROVIDER, accountId },
  );
  return made.user.id;
}

/** A sign-in that is under way. */
type Flight = { readonly state: string; readonly codeVerifier: string; readonly returnTo: string };

function encodeFlight({ state, codeVerifier, returnTo }: Flight): string {
  return [state, codeVerifier, Buffer.from(returnTo).toString("base64url")].join(".");
}

function decodeFlight(cookies: string | undefined): Flight | undefined {
  const value = new RegExp(`(?:^|; ?)${FLIGHT_COOKIE}=([\\w.-]+)`).exec(cookies ?? "")?.[1];
  const [state, codeVerifier, returnTo] = (value ?? "").split(".");
  if (!state || !codeVerifier || returnTo === undefined) return undefined;
  return { state, codeVerifier, returnTo: pathOf(Buffer.from(returnTo, "base64url").toString("utf8")) };
}

function flightCookie(value: string, lifeS: number): string {
  return `${FLIGHT_COOKIE}=${value}; Max-Age=${lifeS}; Path=/; HttpOnly; Secure; SameSite=Lax`;
}

/** A path of ours: what could lead to another host, or into the API, is the first page. */
function pathOf(text: string | null): string {
  return text !== null && /^\/(?!\/|\\|api\/)[\w\-./?=&%]{0,500}$/.test(text) ? text : "/";
}

function queryOf(request: FastifyRequest, publicUrl: string): URLSearchParams {
  return new URL(request.url, publicUrl).searchParams;
}

function random(): string {
  return randomBytes(32).toString("base64url");
}

function notFromHere(cause?: unknown): ProblemError {
  return new ProblemError({
    status: 403,
    code: "sso_refused",
    detail: "The sign-in did not begin in this browser, or was used. Begin again at /sign-in/sso.",
    cause,
  });
}

function refused(detail: string): ProblemError {
  return new ProblemError({ status: 403, code: "sso_refused", detail });
}

function unavailable(cause: unknown): ProblemError {
  return new ProblemError({
    status: 503,
    code: "sso_unavailable",
    detail: "The identity provider does not answer. Try again shortly.",
    retryAfterMs: 5_000,
    cause,
  });
}
