// A real runtime on a real database, on the timeline's clock, with a token for
// whoever takes part. Everything goes over HTTP, as it does for everyone else.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Artifacts,
  Fraud,
  Jobs,
  Marketplace,
  Operations,
  Runs,
  Sampling,
  Treasury,
  Verification,
  Workers,
  allScopes,
  createClient,
} from "@openagents/contracts";
import { createRuntime, type After } from "@openagents/runtime";
import { silentLogger } from "@openagents/service";
import type { Random } from "./random.ts";
import { SignJWT, exportJWK, generateKeyPair } from "jose";

export type Party = {
  readonly sub: string;
  readonly org: string;
  readonly zone: "0" | "0.5" | "1";
};

export type Clients = ReturnType<typeof clientsOf>;

export type World = AsyncDisposable & {
  /** Typed clients that act as this party. */
  as(party: Party): Clients;
};

export type WorldOptions = {
  readonly databaseUrl: string;
  /** Of the role that owns the schema; absent when it is migrated already. */
  readonly ownerDatabaseUrl?: string | undefined;
  readonly nowMs: () => number;
  /** When the runtime does what it does by itself. */
  readonly after: After;
  readonly random: Random;
};

const ISSUER = "openagents-simulation";
const TOKEN_S = 600;
/** A limit is not what is simulated. */
const UNLIMITED = { burst: 1_000_000, perSecond: 1_000_000 };

export async function openWorld(options: WorldOptions): Promise<World> {
  const { databaseUrl, ownerDatabaseUrl, nowMs, after, random } = options;
  await using opened = new AsyncDisposableStack();
  const artifactsDir = await mkdtemp(join(tmpdir(), "oa-simulation-"));
  opened.defer(() => rm(artifactsDir, { recursive: true, force: true }));
  const keys = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "simulation", alg: "EdDSA", use: "sig" };
  const runtime = opened.use(
    createRuntime(
      {
        host: "127.0.0.1",
        port: 0,
        databaseUrl,
        ownerDatabaseUrl,
        artifactsDir,
        artifactQuota: { bytesMax: Number.MAX_SAFE_INTEGER, objectsMax: Number.MAX_SAFE_INTEGER },
        jwks: { keys: [jwk] },
        issuer: ISSUER,
        audience: "openagents",
        // Keys of a simulation sign nothing that anyone is to believe.
        receiptSigningKey: "51".repeat(32),
        logSigningKey: "52".repeat(32),
        logOrigin: "simulation/log",
        demoGrants: true,
        pushToLoopback: false,
        rateLimits: {
          quotes: UNLIMITED,
          dispatches: UNLIMITED,
          registrations: UNLIMITED,
          polls: UNLIMITED,
        },
        version: "simulation",
      },
      {
        log: silentLogger(),
        nowMs,
        after,
        randomBytes: (count) => Buffer.from(Array.from({ length: count }, () => random.int(0, 255))),
      },
    ),
  );
  const { url } = await runtime.start();
  const scopes = allScopes();
  const sign = async ({ sub, org, zone }: Party): Promise<string> => {
    const issuedAtS = Math.floor(nowMs() / 1000);
    return new SignJWT({ org, scopes, zone, account: org, sid: "ses_simulation" })
      .setProtectedHeader({ alg: "EdDSA", kid: "simulation" })
      .setSubject(sub)
      .setIssuer(ISSUER)
      .setAudience("openagents")
      .setIssuedAt(issuedAtS)
      .setExpirationTime(issuedAtS + TOKEN_S)
      .setJti(crypto.randomUUID())
      .sign(keys.privateKey);
  };
  const kept = opened.move();
  return {
    as(party) {
      let held: { readonly token: Promise<string>; readonly untilMs: number } | undefined;
      const token = () => {
        if (held === undefined || nowMs() >= held.untilMs)
          held = { token: sign(party), untilMs: nowMs() + (TOKEN_S - 60) * 1000 };
        return held.token;
      };
      return clientsOf({ baseUrl: url, token });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function clientsOf(options: { readonly baseUrl: string; readonly token: () => Promise<string> }) {
  return {
    artifacts: createClient(Artifacts, options),
    fraud: createClient(Fraud, options),
    jobs: createClient(Jobs, options),
    marketplace: createClient(Marketplace, options),
    operations: createClient(Operations, options),
    runs: createClient(Runs, options),
    sampling: createClient(Sampling, options),
    treasury: createClient(Treasury, options),
    verification: createClient(Verification, options),
    workers: createClient(Workers, options),
  };
}
