// A runtime on its own database and port, with tokens for whoever a test needs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { allScopes } from "@openagents/contracts";
import { MIGRATIONS, createRuntime, type RuntimeConfig, type RuntimeDeps } from "@openagents/runtime";
import { silentLogger } from "@openagents/service";
import { testDatabase } from "@openagents/testing";
import { SignJWT, exportJWK, generateKeyPair } from "jose";

export type Harness = {
  readonly url: string;
  readonly databaseUrl: string;
  readonly artifactsDir: string;
  token(principal?: Partial<Claims>): Promise<string>;
  /** POST a command; a fresh key unless one is given. */
  post(path: string, body: unknown, options?: RequestOptions): Promise<Answer>;
  get(path: string, options?: RequestOptions): Promise<Answer>;
  /** Stop before the test's end; the database stays. One that is a process of its own is killed in its middle. */
  stop(): Promise<void>;
};

export type Claims = {
  readonly sub: string;
  readonly org: string;
  readonly scopes: readonly string[];
  readonly zone: "0" | "0.5" | "1";
  /** Whose devices these are; of `org_a`, who buys in most tests. */
  readonly account: string;
};

export type RequestOptions = {
  readonly key?: string;
  readonly token?: string;
  readonly signal?: AbortSignal;
};

export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The parsed body; tests reach into it by the names of the wire. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
};

export const RECEIPT_KEY = "11".repeat(32);
const LOG_ORIGIN = "log.example/test";
const LOG_SIGNING_KEY = "22".repeat(32);

/** One for all harnesses of a test, so that a token is good after a restart. */
const KEYS = generateKeyPair("EdDSA", { crv: "Ed25519" });

export async function startHarness(
  t: TestContext,
  options: {
    readonly nowMs?: () => number;
    /** Never in a test's time unless it says so. */
    readonly stalledEveryMs?: number;
    /** Of a harness that was stopped; a fresh database when absent. */
    readonly databaseUrl?: string;
    readonly artifactsDir?: string;
    readonly artifactQuota?: { readonly bytesMax: number; readonly objectsMax: number };
    readonly s3?: RuntimeConfig["s3"];
    readonly rateLimits?: RuntimeConfig["rateLimits"];
    readonly spacetime?: RuntimeConfig["spacetime"];
    readonly reconcileEveryMs?: number;
    readonly streamSweepEveryMs?: number;
    readonly logSigningKey?: string;
    /** Off: as where providers are elsewhere. */
    readonly pushToLoopback?: boolean;
    readonly resolve?: (name: string) => Promise<readonly string[]>;
    /** A process of its own, with the wall clock. */
    readonly ownProcess?: true;
  } = {},
): Promise<Harness> {
  const databaseUrl = options.databaseUrl ?? (await testDatabase(t, { directories: MIGRATIONS })).url;
  const artifactsDir = options.artifactsDir ?? (await mkdtemp(join(tmpdir(), "oa-artifacts-")));
  t.after(() => rm(artifactsDir, { recursive: true, force: true }));
  const keys = await KEYS;
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "test", alg: "EdDSA", use: "sig" };

  const config: RuntimeConfig = {
    host: "127.0.0.1",
    port: 0,
    databaseUrl,
    artifactsDir,
    artifactQuota: options.artifactQuota,
    s3: options.s3,
    jwks: { keys: [jwk] },
    issuer: "openagents-test",
    audience: "openagents",
    receiptSigningKey: RECEIPT_KEY,
    logOrigin: LOG_ORIGIN,
    logSigningKey: options.logSigningKey ?? LOG_SIGNING_KEY,
    demoGrants: true,
    pushToLoopback: options.pushToLoopback ?? false,
    rateLimits: options.rateLimits,
    // Where a test does not ask for it, nothing is reconciled behind its back.
    reconcileEveryMs: options.reconcileEveryMs ?? 3_600_000,
    spacetime: options.spacetime,
    streamSweepEveryMs: options.streamSweepEveryMs ?? 3_600_000,
    // Where a test does not ask for it, nothing is swept behind its back.
    leaseSweepEveryMs: 3_600_000,
    stalledEveryMs: options.stalledEveryMs ?? 3_600_000,
    version: "0.0.0",
  };
  const { url, stop } = await (options.ownProcess ? startProcess(t, config) : startHere(t, config, options));

  const token = (principal: Partial<Claims> = {}) => {
    const { sub, ...claims } = {
      sub: "usr_owner",
      org: "org_a",
      scopes: allScopes(),
      zone: "0.5",
      account: "org_a",
      ...principal,
    };
    const issuedAtS = Math.floor((options.nowMs?.() ?? Date.now()) / 1000);
    return new SignJWT({ ...claims, sid: "sid_test" })
      .setProtectedHeader({ alg: "EdDSA", kid: "test" })
      .setSubject(sub)
      .setIssuer("openagents-test")
      .setAudience("openagents")
      .setIssuedAt(issuedAtS)
      .setExpirationTime(issuedAtS + 600)
      .setJti(crypto.randomUUID())
      .sign(keys.privateKey);
  };

  const send = async (method: string, path: string, init: RequestInit, request: RequestOptions) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${request.token ?? (await token())}`);
    const response = await fetch(url + path, { ...init, method, headers, signal: request.signal ?? null });
    const text = await response.text();
    const isJson =
      /json/.test(response.headers.get("content-type") ?? "") &&
      !/ndjson/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      text,
      headers: response.headers,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };

  return {
    url,
    databaseUrl,
    artifactsDir,
    token,
    post: (path, body, request = {}) =>
      send(
        "POST",
        path,
        {
          body: JSON.stringify(body),
          headers: {
            "content-type": "application/json",
            "idempotency-key": request.key ?? crypto.randomUUID(),
          },
        },
        request,
      ),
    get: (path, request = {}) => send("GET", path, {}, request),
    stop,
  };
}

async function startHere(
  t: TestContext,
  config: RuntimeConfig,
  { nowMs, resolve }: Omit<RuntimeDeps, "log">,
): Promise<Started> {
  const runtime = createRuntime(config, {
    log: silentLogger(),
    ...(nowMs === undefined ? {} : { nowMs }),
    ...(resolve === undefined ? {} : { resolve }),
  });
  const stop = () => runtime[Symbol.asyncDispose]();
  t.after(stop);
  const { url } = await runtime.start();
  return { url, stop };
}

type Started = { readonly url: string; readonly stop: () => Promise<void> };

async function startProcess(t: TestContext, config: RuntimeConfig): Promise<Started> {
  const child = spawn(process.execPath, [new URL("./runtime-process.ts", import.meta.url).pathname], {
    env: { RUNTIME_CONFIG: JSON.stringify(config) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  t.after(stop);
  let url = "";
  for await (const chunk of child.stdout) {
    url += String(chunk);
    if (url.endsWith("\n")) break;
  }
  if (!url.endsWith("\n")) throw new Error("the runtime's process did not start");
  return { url: url.trim(), stop };
}
