// How the owner of a laptop signs in to the stack that runs on it: by a link
// that the stack prints. Whoever can read that may use the machine's data anyway.

import { randomBytes } from "node:crypto";
import { ProblemError } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { FastifyInstance } from "fastify";
import type { ControlConfig } from "../config.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Secrets } from "./secrets.ts";
import * as store from "./store.ts";

const LINK_LIFE_MS = 10 * 60_000;

export type LocalLinks = {
  create(): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  /** Whom the token signs in; once. */
  redeem(token: string): Promise<string | undefined>;
};

export type LocalLinkDeps = {
  readonly config: Pick<ControlConfig, "host" | "development" | "localOwner">;
  readonly db: Database;
  readonly secrets: Secrets;
  readonly publicUrl: () => string;
  readonly nowMs: () => number;
};

/** Undefined where there is no local owner, or the service is not one of development on loopback. */
export function createLocalLinks({
  config,
  db,
  secrets,
  publicUrl,
  nowMs,
}: LocalLinkDeps): LocalLinks | undefined {
  const { localOwner } = config;
  if (localOwner === undefined || !isLocalDevelopment(config)) return undefined;
  return {
    async create() {
      const token = randomBytes(32).toString("base64url");
      const expiresAtMs = Math.round(nowMs()) + LINK_LIFE_MS;
      await store.insertLink(db, {
        tokenHash: secrets.stored(token),
        userId: localOwner.userId,
        expiresAtMs,
      });
      return { url: `${publicUrl()}/sign-in/local?token=${token}`, expiresAtMs };
    },
    redeem: (token) => store.takeLink(db, secrets.stored(token), Math.round(nowMs())),
  };
}

export function isLocalDevelopment({
  host,
  development,
}: Pick<ControlConfig, "host" | "development">): boolean {
  return development && (host === "localhost" || host === "::1" || host.startsWith("127."));
}

/**
 * `POST /api/auth/local-link`: a new link for whoever holds the laptop's own key,
 * which is how the command line asks for one.
 */
export function registerLocalLinkRequest(
  app: FastifyInstance,
  deps: {
    readonly config: Pick<ControlConfig, "host" | "development" | "localOwner">;
    readonly authenticate: (authorization: string | undefined) => Promise<{ readonly id: string }>;
    readonly create: LocalLinks["create"];
  },
): void {
  const { config, authenticate, create } = deps;
  if (config.localOwner === undefined || !isLocalDevelopment(config)) return;
  const { userId } = config.localOwner;
  app.post("/api/auth/local-link", async (request) => {
    const { id } = await authenticate(request.headers.authorization);
    if (id !== userId) {
      throw new ProblemError({
        status: 403,
        code: "not_local_owner",
        detail: "Only the owner of this stack may ask for a link that signs in its owner.",
      });
    }
    const { url, expiresAtMs } = await create();
    return { url, expires_at: new Date(expiresAtMs).toISOString() };
  });
}

/** `/sign-in/local`: the page that the link is of. */
export function registerLocalLink(scope: FastifyInstance, links: LocalLinks, arrivals: Arrivals): void {
  scope.get<{ Querystring: { token?: unknown } }>("/sign-in/local", async (request, reply) => {
    const { token } = request.query;
    const userId = typeof token === "string" ? await links.redeem(token) : undefined;
    if (userId === undefined) {
      throw new ProblemError({
        status: 403,
        code: "link_invalid",
        detail: "The link was used or has expired. The stack makes a new one.",
      });
    }
    return arrivals.signIn(request, reply, { userId, method: "link", to: "/home" });
  });
}
