// A control service on its own database and port, with tokens for whoever a test needs.

import type { TestContext } from "node:test";
import {
  MIGRATIONS,
  createControl,
  type Control,
  type ControlConfig,
  type ControlDeps,
} from "@openagents/control";
import { scopesOf, contractsOf } from "@openagents/contracts";
import { silentLogger } from "@openagents/service";
import { testDatabase } from "@openagents/testing";
import { SignJWT, exportJWK, generateKeyPair, importJWK } from "jose";

export type Harness = {
  readonly url: string;
  readonly databaseUrl: string;
  /** For another that is to be as this one. */
  readonly config: ControlConfig;
  token(principal?: Partial<Claims>): Promise<string>;
  /** POST a command; a fresh key unless one is given. */
  post(path: string, body: unknown, options?: RequestOptions): Promise<Answer>;
  get(path: string, options?: RequestOptions): Promise<Answer>;
  send(verb: string, path: string, body: unknown, options?: RequestOptions): Promise<Answer>;
  createLocalLink: Control["createLocalLink"];
  /** Stop before the test's end; the database stays. */
  stop(): Promise<void>;
};

export type Claims = {
  readonly sub: string;
  readonly org: string;
  readonly scopes: readonly string[];
  readonly zone: "0" | "0.5" | "1";
  /** The one method that the token is for. */
  readonly method: string;
  /** When and how a person signed in. */
  readonly auth_time: number;
  readonly amr: readonly string[];
  /** Whom the principal acts for. */
  readonly act: string;
  /** The session. */
  readonly sid: string;
};

export type RequestOptions = {
  readonly key?: string;
  /** Empty: none is sent. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The parsed body; tests reach into it by the names of the wire. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
};

export const ISSUER = "openagents-test";

/** One for all harnesses of a test, so that a token is good after a restart. */
const KEYS = generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });

export async function startHarness(
  t: TestContext,
  options: ControlDepsOptions & {
    /** Of a harness that was stopped; a fresh database when absent. */
    readonly databaseUrl?: string;
    readonly config?: Partial<ControlConfig>;
  } = {},
): Promise<Harness> {
  const databaseUrl = options.databaseUrl ?? (await testDatabase(t, { directories: MIGRATIONS })).url;
  const { privateKey } = await KEYS;
  const tokenKey = { ...(await exportJWK(privateKey)), kid: "test", alg: "EdDSA", use: "sig" };
  const { config: changes, databaseUrl: _url, ...deps } = options;
  const config: ControlConfig = {
    host: "127.0.0.1",
    port: 0,
    databaseUrl,
    tokenKeys: [tokenKey],
    issuer: ISSUER,
    audience: "openagents",
    receiptSigningKey: "33".repeat(32),
    authSecret: "44".repeat(32),
    sealingKeys: ["55".repeat(32)],
    mail: { kind: "development" },
    trustedProxies: [],
    operators: [],
    runtimeUrl: "http://127.0.0.1:9",
    syncUrl: "http://127.0.0.1:9",
    development: true,
    version: "0.0.0",
    ...changes,
  };
  const control = createControl(config, {
    log: silentLogger(),
    // No test asks after names that are not its own.
    resolve: async () => [],
    ...deps,
  });
  const stop = () => control[Symbol.asyncDispose]();
  t.after(stop);
  const { url } = await control.start();

  const token = async (principal: Partial<Claims> = {}) => {
    const { sub, ...claims } = {
      sub: "usr_owner",
      org: "org_a",
      scopes: scopesOf(contractsOf("control")),
      zone: "0.5",
      ...principal,
    };
    const issuedAtS = Math.floor((options.nowMs?.() ?? Date.now()) / 1000);
    return new SignJWT({ sid: "ses_test", ...claims })
      .setProtectedHeader({ alg: "EdDSA", kid: "test" })
      .setSubject(sub)
      .setIssuer(ISSUER)
      .setAudience("openagents")
      .setIssuedAt(issuedAtS)
      .setExpirationTime(issuedAtS + 600)
      .setJti(crypto.randomUUID())
      .sign(await importJWK(tokenKey, "EdDSA"));
  };

  const send = async (verb: string, path: string, body: unknown, request: RequestOptions = {}) => {
    const headers = new Headers(request.headers);
    const bearer = request.token ?? (await token());
    if (bearer !== "") headers.set("authorization", `Bearer ${bearer}`);
    if (verb !== "GET" && !headers.has("idempotency-key"))
      headers.set("idempotency-key", request.key ?? crypto.randomUUID());
    if (body !== undefined) headers.set("content-type", "application/json");
    const response = await fetch(url + path, {
      method: verb,
      headers,
      redirect: "manual",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
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
    config,
    token,
    send,
    post: (path, body, request) => send("POST", path, body, request),
    get: (path, request) => send("GET", path, undefined, request),
    createLocalLink: () => control.createLocalLink(),
    stop,
  };
}

type ControlDepsOptions = Omit<ControlDeps, "log">;
