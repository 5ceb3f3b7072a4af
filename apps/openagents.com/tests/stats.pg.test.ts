// Public figures: what the runtime publishes, the same for all, and nothing in place of what is not known.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { createAuthenticator, silentLogger, type After } from "@openagents/service";
import { decodeJwt, generateKeyPair, exportJWK } from "jose";
import { createServiceToken, createSigner } from "../src/tokens/index.ts";
import { startStats, statsOf } from "../src/stats/stats.ts";
import { startHarness } from "./harness.ts";

const FACTS = {
  counted_through_ms: 1_780_000_000_000,
  jobs_released: 3,
  jobs_withheld: 1,
  released_msats: 30_000,
  providers_online: 2,
};
const SNAPSHOT = {
  newest: { kind: "stats.published", occurred_at: "2026-07-01T10:00:00.000Z", payload: FACTS },
};

test("while nothing was heard the figures are unavailable, and no zeros stand in for them", async (t) => {
  const control = await startHarness(t);
  const answer = await control.get("/api/stats", { token: "" });
  assert.deepEqual([answer.status, answer.json.code], [503, "stats_unavailable"]);
  assert.ok(answer.headers.has("retry-after"));
});

test("what the runtime published is what everyone is told, without a token, and parts that do not run say so", async (t) => {
  const runtime = await startRuntime(t);
  const timers = manualTimers();
  const control = await startHarness(t, { config: { runtimeUrl: runtime.url }, after: timers.after });
  await timers.fire();
  const [one, two] = await Promise.all([1, 2].map(() => control.get("/api/stats", { token: "" })));
  assert.equal(one?.text, two?.text);
  assert.deepEqual(one?.json, {
    as_of: "2026-07-01T10:00:00.000Z",
    market: {
      counted_through: new Date(FACTS.counted_through_ms).toISOString(),
      jobs_released: 3,
      jobs_withheld: 1,
      released_msats: 30_000,
      providers_online: 2,
    },
    hydra: { state: "not_running" },
    aegis: { state: "not_running" },
  });
  assert.match(runtime.paths[0] ?? "", /^\/internal\/v1\/streams\/runtime\.stats\/snapshot$/);
});

test("however many ask, the runtime is asked once a minute, and what was heard stays while it is away", async (t) => {
  const runtime = await startRuntime(t);
  const timers = manualTimers();
  const stats = startStats({
    runtimeUrl: runtime.url,
    token: async () => "t".repeat(40),
    log: silentLogger(),
    after: timers.after,
    everyMs: 0,
  });
  await timers.fire();
  const heard = stats.latest();
  assert.equal(heard?.market.jobsReleased, 3n);
  runtime.fail();
  await timers.fire();
  assert.deepEqual(stats.latest(), heard);
  await stats[Symbol.asyncDispose]();

  const often = startStats({
    runtimeUrl: runtime.url,
    token: async () => "t".repeat(40),
    log: silentLogger(),
    after: timers.after,
  });
  runtime.recover();
  const before = runtime.paths.length;
  for (let turn = 0; turn < 10; turn += 1) await timers.fire();
  assert.equal(runtime.paths.length - before, 1);
  await often[Symbol.asyncDispose]();
});

test("what is not the published figures is not taken for them", () => {
  assert.ok(statsOf(SNAPSHOT));
  for (const name of Object.keys(FACTS))
    for (const value of [undefined, -1, 1.5, "1", null])
      assert.equal(
        statsOf({ newest: { ...SNAPSHOT.newest, payload: { ...FACTS, [name]: value } } }),
        undefined,
        `${name} ${String(value)}`,
      );
  for (const other of [undefined, {}, { newest: {} }, { newest: { ...SNAPSHOT.newest, occurred_at: "x" } }])
    assert.equal(statsOf(other), undefined);
});

test("the service's own token is one that services take, for reading streams and for a minute", async () => {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: "k", alg: "EdDSA" };
  const options = { issuer: "i", audience: "openagents", nowMs: () => 1_780_000_000_000 };
  const token = await createServiceToken(createSigner({ ...options, tokenKeys: [key] }), ["streams:read"])();
  const { d: _private, ...shared } = key;
  const principal = await createAuthenticator({ ...options, jwks: { keys: [shared] } })(
    `Bearer ${token}`,
    "read",
  );
  assert.deepEqual(
    [principal.id, principal.kind, [...principal.scopes]],
    ["svc_control", "service", ["streams:read"]],
  );
  const { iat = 0, exp = 0 } = decodeJwt(token);
  assert.equal(exp - iat, 60);
});

async function startRuntime(t: TestContext) {
  const paths: string[] = [];
  let isWell = true;
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.writeHead(isWell ? 200 : 503, { "content-type": "application/json" });
    const answer = { stream_id: "runtime.stats", seq: 1, chain_hash: "0".repeat(64), snapshot: SNAPSHOT };
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    fail: () => void (isWell = false),
    recover: () => void (isWell = true),
  };
}

/** Timers that go off when the test says so. */
function manualTimers(): { readonly after: After; fire(): Promise<void> } {
  let waiting: (() => Promise<void>)[] = [];
  return {
    after(_ms, act) {
      waiting.push(act);
      return () => void (waiting = waiting.filter((each) => each !== act));
    },
    async fire() {
      const due = waiting;
      waiting = [];
      await Promise.all(due.map((act) => act()));
    },
  };
}
