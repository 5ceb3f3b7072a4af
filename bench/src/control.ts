// Measures the edge of control: authenticated reads by access token, while people
// sign in by emailed codes. Each person comes from an address of their own, by a
// proxy that the service trusts, so that the service's own limits hold. Never a gate.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ControlConfig } from "@openagents/control";
import { provisionDatabase } from "@openagents/postgres";
import { exportJWK, generateKeyPair } from "jose";
import { measure, repeat, requestOf } from "./load.ts";
import { startProgram } from "./program.ts";
import type { SyncFigure } from "./sync.ts";

const READERS = 8;
const LOGINS_PER_SECOND = 5;
const READS_BAR = 2_000;
const LOGIN_P95_MS_BAR = 150;

export async function measureControl(
  adminUrl: string,
  seconds: number,
  say: (line: string) => void,
): Promise<SyncFigure[]> {
  await using parts = new AsyncDisposableStack();
  const config = await prepare(adminUrl);
  const server = await startProgram<{ url: string }>("control-server.ts", [JSON.stringify(config)]);
  parts.defer(() => server.stop());
  const { url } = server.ready;
  const token = await signIn(url, 0).then(({ token: made }) => made);
  const headers = { authorization: `Bearer ${token}` };
  const reads = (path: string) =>
    measure({
      url,
      clients: READERS,
      seconds,
      expectedStatus: 200,
      next: () => requestOf("GET", path, headers),
    });

  say(`${READERS} readers; ${LOGINS_PER_SECOND} people sign in each second`);
  // What a process that has just started compiles is not what is measured.
  await measure({
    url,
    clients: READERS,
    seconds: 1,
    expectedStatus: 200,
    next: () => requestOf("GET", "/api/devices", headers),
  });
  const logins = signInFor(url, seconds);
  const measured = await reads("/api/devices");
  const loginsMs = (await logins).toSorted((a, b) => a - b);
  const alone = await reads("/api/devices");
  const p95 = loginsMs[Math.floor(loginsMs.length * 0.95)] ?? Number.NaN;
  return [
    {
      figure: "authenticated reads by access token, while people sign in",
      value: measured.perSecond,
      unit: "/s",
      bar: `${READS_BAR}`,
      reached: measured.perSecond >= READS_BAR,
      note: `p99 ${measured.p99Ms.toFixed(1)} ms; each reads the database once`,
    },
    {
      figure: "the same, while nobody does",
      value: alone.perSecond,
      unit: "/s",
      bar: "–",
      reached: null,
      note: `p99 ${alone.p99Ms.toFixed(1)} ms`,
    },
    {
      figure: "sign-in by a code under that load, p95",
      value: p95,
      unit: "ms",
      bar: `< ${LOGIN_P95_MS_BAR}`,
      reached: p95 < LOGIN_P95_MS_BAR,
      note: `${loginsMs.length} sign-ins`,
    },
  ];
}

/** How long each sign-in took, of people who come evenly. */
async function signInFor(url: string, seconds: number): Promise<number[]> {
  const tookMs: number[] = [];
  const everyMs = 1000 / LOGINS_PER_SECOND;
  const running: Promise<unknown>[] = [];
  await repeat({ callers: 1, seconds }, async (_caller, n) => {
    running.push(signIn(url, n + 1).then((one) => tookMs.push(one.tookMs)));
    await delay(everyMs);
  });
  await Promise.all(running);
  return tookMs;
}

/** As a client that is no browser; what is timed is the sign-in itself, not the mail's way. */
async function signIn(url: string, n: number): Promise<{ readonly token: string; readonly tookMs: number }> {
  const email = `person_${n}@example.org`;
  const headers = {
    "content-type": "application/json",
    "x-forwarded-for": `198.51.${Math.floor(n / 250) % 250}.${(n % 250) + 1}`,
  };
  const post = async (path: string, body: object, more: Record<string, string> = {}) => {
    const init = { method: "POST", headers: { ...headers, ...more }, body: JSON.stringify(body) };
    const response = await fetch(url + path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const asked = await post("/api/auth/email-otp/send-verification-otp", { email, type: "sign-in" });
  await asked.text();
  const mails = await fetch(`${url}/dev/mail`, { headers: { accept: "application/json" } });
  const { mails: kept } = (await mails.json()) as { mails: { to: string; text: string }[] };
  const otp = /code is (\d{6})\./.exec(kept.find(({ to }) => to === email)?.text ?? "")?.[1];

  const startedAt = performance.now();
  const signedIn = await post("/api/auth/sign-in/email-otp", { email, otp });
  await signedIn.text();
  const tookMs = performance.now() - startedAt;
  const session = signedIn.headers.get("set-auth-token") ?? "";
  const granted = await post(
    "/api/auth/token",
    { grant_type: "session" },
    { authorization: `Bearer ${session}` },
  );
  const { access_token: token } = (await granted.json()) as { access_token: string };
  return { token, tookMs };
}

async function prepare(adminUrl: string): Promise<ControlConfig> {
  const role = (name: string) => ({ role: `bench_control_${name}`, password: "bench" });
  const database = await provisionDatabase(adminUrl, {
    database: "bench_control",
    owner: role("owner"),
    app: role("app"),
  });
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const secret = () => randomBytes(32).toString("hex");
  return {
    host: "127.0.0.1",
    port: 0,
    databaseUrl: database.appUrl,
    ownerDatabaseUrl: database.ownerUrl,
    tokenKeys: [{ ...(await exportJWK(privateKey)), kid: "bench", alg: "EdDSA" }],
    issuer: "bench",
    audience: "openagents",
    receiptSigningKey: secret(),
    authSecret: secret(),
    sealingKeys: [secret()],
    mail: { kind: "development" },
    trustedProxies: ["127.0.0.1"],
    operators: [],
    runtimeUrl: "http://127.0.0.1:9",
    syncUrl: "ws://127.0.0.1:9",
    development: true,
    version: "bench",
  };
}
