// Builds the identity from its parts, and starts and stops what of it runs.

import type { Database } from "@openagents/postgres";
import { startSweep, type Logger } from "@openagents/service";
import type { FastifyInstance, FastifyRequest } from "fastify";
import pg from "pg";
import type { ControlConfig } from "../config.ts";
import { registerInbox, type DevelopmentInbox, type Mailer } from "../mail/index.ts";
import { auditOf } from "./aftermath.ts";
import { createArrivals } from "./arrivals.ts";
import { registerAuthDocument } from "./auth-openapi.ts";
import { createAuthPorts } from "./auth-ports.ts";
import { registerAuthRoutes } from "./auth-routes.ts";
import { createBetterAuth, type BetterAuth } from "./better-auth.ts";
import { createClientAddress } from "./client-address.ts";
import type { AuditSink, Identity, IdentityEvents } from "./identity.ts";
import { createLocalLinks, isLocalDevelopment, registerLocalLink } from "./local-link.ts";
import { createOrigins, registerCors } from "./origins.ts";
import { createPersonalOrgs } from "./personal-orgs.ts";
import { createRecorder } from "./recorder.ts";
import { createSecrets } from "./secrets.ts";
import type { SessionInfo } from "./session.ts";
import { registerSessionRoutes } from "./session-routes.ts";
import { createSessions } from "./sessions.ts";
import { registerSso } from "./sso.ts";
import * as store from "./store.ts";
import type { AuthRoute } from "./surface.ts";
import { createThrottle, LIMITS, type Limits } from "./throttle.ts";

export type IdentityDeps = {
  readonly config: Pick<
    ControlConfig,
    | "host"
    | "databaseUrl"
    | "authSecret"
    | "trustedProxies"
    | "allowedOrigins"
    | "workOs"
    | "localOwner"
    | "development"
    | "version"
  >;
  /** Where browsers reach the service; asked after it listens. */
  readonly publicUrl: () => string;
  readonly db: Database;
  readonly mail: { readonly mailer: Mailer; readonly inbox?: DevelopmentInbox };
  readonly audit: AuditSink;
  readonly events: IdentityEvents;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** How often somebody may try; our own limits when absent. */
  readonly limits?: Limits | undefined;
};

/** Connections of better-auth, beside those of the service. */
const CONNECTIONS_MAX = 10;

const FORGETTING_EVERY_MS = 10 * 60_000;

export function createIdentity(deps: IdentityDeps): Identity {
  const { config, publicUrl, db, events, log, nowMs } = deps;
  const { mailer, inbox } = deps.mail;
  const { localOwner, workOs } = config;
  const secrets = createSecrets(config.authSecret);
  const origins = createOrigins(publicUrl, config.allowedOrigins ?? []);
  const record = createRecorder(deps.audit, nowMs);
  const personalOrgs = createPersonalOrgs({ db, localOwner, nowMs });
  const sessions = createSessions({ db, secrets, origins, events, record, nowMs });
  const links = createLocalLinks({ config, db, secrets, publicUrl, nowMs });
  const addressOf = addressReader(config.trustedProxies);
  const pool = openPool(config.databaseUrl);
  const ports = createAuthPorts({ mailer, personalOrgs, events, record, log });
  const settings = { secret: config.authSecret, secrets, nowMs, log };
  let made: Promise<BetterAuth> | undefined;
  // Made when it is first needed: before, the service does not know its own address.
  const auth = () => (made ??= createBetterAuth({ ...settings, publicUrl: publicUrl() }, pool, ports));
  const arrivals = createArrivals({ auth, secrets, addressOf });
  let sweep: AsyncDisposable | undefined;

  async function done(route: AuthRoute, session: SessionInfo | undefined): Promise<void> {
    const aftermath = auditOf(route, session);
    if (aftermath !== undefined) await record(aftermath);
  }

  function registerRoutes(scope: FastifyInstance): void {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, next) => next(null, body));
    const ssoOnly = workOs !== undefined;
    const throttle = createThrottle({ db, secrets, limits: deps.limits ?? LIMITS, nowMs });
    registerAuthRoutes(scope, { auth, publicUrl, origins, throttle, addressOf, sessions, done, ssoOnly });
    registerAuthDocument(scope, config.version);
    registerSessionRoutes(scope, { sessions, origins, addressOf, ssoOnly });
    if (workOs !== undefined) registerSso(scope, { settings: workOs, auth, arrivals, publicUrl, addressOf });
    if (links !== undefined) registerLocalLink(scope, links, arrivals);
    if (inbox !== undefined && isLocalDevelopment(config)) registerInbox(scope, inbox);
  }

  return {
    ...sessions,

    register(app) {
      registerCors(app, origins);
      void app.register(async (scope) => registerRoutes(scope));
    },

    async start() {
      await auth();
      if (localOwner !== undefined) {
        const owner = { id: localOwner.userId, name: "", email: `${localOwner.userId}@localhost` };
        await store.makeUser(db, { ...owner, emailVerified: false, nowMs: nowMs() });
        await personalOrgs.of(localOwner.userId);
      }
      const look = () => store.forgetExpired(db, Math.round(nowMs()));
      sweep ??= startSweep({ what: "expired sign-ins", everyMs: FORGETTING_EVERY_MS, log, look });
    },

    async createLocalLink() {
      if (links === undefined)
        throw new Error("a local link is for the owner of a service of development on loopback");
      return links.create();
    },

    async [Symbol.asyncDispose]() {
      await sweep?.[Symbol.asyncDispose]();
      await pool.end();
      await mailer[Symbol.asyncDispose]();
    },
  };
}

function addressReader(trustedProxies: readonly string[]): (request: FastifyRequest) => string {
  const clientAddress = createClientAddress(trustedProxies);
  return (request) => {
    const forwarded = request.headers["x-forwarded-for"];
    const hops = Array.isArray(forwarded) ? forwarded.join(",") : forwarded;
    return clientAddress(request.socket.remoteAddress ?? "", hops);
  };
}

/** better-auth's own connections: its queries name no schema. */
function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    application_name: "control_identity",
    options: "-c search_path=auth",
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
  });
  // A connection that dies idle is replaced when the next one is needed.
  pool.on("error", () => {});
  return pool;
}
