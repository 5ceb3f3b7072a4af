// The nouns that say who may do what: tokens and what takes them back, devices,
// keys, members, policy, audit.

import type { Authority, Follower } from "@openagents/authority";
import type { Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { createAuthenticator, startSweep, type Authenticator, type Logger } from "@openagents/service";
import type { FastifyInstance } from "fastify";
import { accountRoutes, createFunds, startErasures } from "./account/index.ts";
import { apiKeyRoutes } from "./api-keys/index.ts";
import { auditRoutes, identityAudit } from "./audit/index.ts";
import type { ControlConfig } from "./config.ts";
import { stopWorkersOf } from "./codex-workers/index.ts";
import { startDeviceWork } from "./device-work/index.ts";
import { createChallenges, deviceRoutes, forgetChallenges } from "./devices/index.ts";
import type { AuditSink, Identity, IdentityEvents } from "./identity/index.ts";
import { meRoutes } from "./me/index.ts";
import { orgRoutes } from "./orgs/index.ts";
import { createStreamAccess, policyRoutes } from "./policy/index.ts";
import { endFamily, forgetFamilies } from "./refresh/index.ts";
import { revocationRoutes, startRevocations } from "./revocations/index.ts";
import { syncTokenRoutes } from "./sync-tokens/index.ts";
import { createGrants, createSigner, registerTokenRoutes } from "./tokens/index.ts";

export type AccessDeps = {
  readonly config: ControlConfig;
  readonly db: Database;
  readonly authority: Authority;
  readonly follower: Follower;
  readonly log: Logger;
  readonly nowMs: () => number;
};

export type Access = AsyncDisposable & {
  readonly authenticate: Authenticator;
  /** What the identity tells of, and where it writes down what it did. */
  readonly events: IdentityEvents;
  readonly audit: AuditSink;
  bindings(identity: Identity): Binding[];
  /** `/api/auth/token` and what belongs to it; before the service listens. */
  register(app: FastifyInstance, identity: Identity): void;
};

const FORGET_EVERY_MS = 600_000;

export async function createAccess(deps: AccessDeps): Promise<Access> {
  const { config, db, authority, log, nowMs } = deps;
  await using resources = new AsyncDisposableStack();
  const revocations = resources.use(await startRevocations(deps));
  const signer = createSigner({ ...config, nowMs });
  const challenges = createChallenges(config.authSecret, config.issuer);
  const streamAccess = createStreamAccess({ db, signer, runtimeUrl: config.runtimeUrl });
  const authenticate = createAuthenticator({
    jwks: { keys: [...signer.jwks.keys] },
    issuer: config.issuer,
    audience: config.audience,
    revocations: revocations.check,
    nowMs,
  });
  resources.use(
    startSweep({
      what: "answered challenges and ended sessions",
      everyMs: FORGET_EVERY_MS,
      log,
      async look() {
        await forgetChallenges(db, nowMs());
        await forgetFamilies(db, nowMs());
      },
    }),
  );

  const deviceWork = resources.use(
    startDeviceWork({ db, signer, runtimeUrl: config.runtimeUrl, log, nowMs }),
  );

  resources.use(startErasures({ db, log, nowMs }));

  const endSession = (sid: string, reason: string) =>
    revocations.revokeNow([{ by: "sid", value: sid }], reason, (atMs) => [endFamily(sid, reason, atMs)]);

  const running = resources.move();
  return {
    authenticate,
    audit: identityAudit(db),
    events: {
      sessionEnded: ({ sessionId }) => endSession(sessionId, "session_ended"),
    },
    bindings: (identity) => [
      revocationRoutes({ ...deps, revocations }),
      deviceRoutes({
        db,
        authority,
        challenges,
        revocations,
        nowMs,
        stopWorkersOf,
        stopped: () => deviceWork.stopped(),
      }),
      apiKeyRoutes({ db, authority, revocations }),
      orgRoutes({ db, authority, revocations }),
      accountRoutes({
        db,
        authority,
        revocations,
        fundsOf: createFunds({ signer, runtimeUrl: config.runtimeUrl }),
        installationOwner: config.localOwner?.userId,
        deviceStopped: () => deviceWork.stopped(),
        nowMs,
      }),
      meRoutes({ db, authority, revocations, identity, nowMs }),
      policyRoutes({ streamAccess }),
      syncTokenRoutes({ streamAccess, signer, syncUrl: config.syncUrl, nowMs }),
      auditRoutes({ db }),
    ],
    register(app, identity) {
      const grants = createGrants({
        db,
        signer,
        challenges,
        authenticate,
        audience: config.audience,
        secret: config.authSecret,
        isOperator: ({ userId, email, emailVerified }) =>
          userId === config.localOwner?.userId ||
          (emailVerified && config.operators.includes(email.toLowerCase())),
        async endReplayed({ sid, userId }) {
          await endSession(sid, "refresh_replayed");
          await identity.revokeSession({ sessionId: sid, userId });
        },
        nowMs,
      });
      registerTokenRoutes(app, { identity, grants, challenges, signer, nowMs });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
