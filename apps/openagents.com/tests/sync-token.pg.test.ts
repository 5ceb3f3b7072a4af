import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import { decodeJwt } from "jose";
import { deviceToken, enroll, newDevice, signIn } from "./access.ts";
import { startHarness } from "./harness.ts";

test("a sync token grants what was asked and may be read, for the sync lane alone", async (t) => {
  const control = await startHarness(t, { config: { syncUrl: "ws://localhost:3000" } });
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const streams = ["runtime.run.*.events", `control.approvals.user.${owner.userId}`, "runtime.stats"];
  const answer = await control.post("/api/sync/token", { streams, ttl_seconds: 120 }, { token });
  assert.equal(answer.status, 200, answer.text);
  const claims = decodeJwt(answer.json.token);
  assert.equal(claims.aud, "openagents-sync");
  assert.deepEqual(claims["streams"], streams);
  assert.equal(claims["sid"], decodeJwt(token)["sid"]);
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 120);
  assert.equal(answer.json.sync_url, "ws://localhost:3000");
  // It opens nothing else.
  assert.equal((await control.get("/api/me", { token: answer.json.token })).json.code, "token_invalid");
});

test("what one may not read is refused before anything is signed, one stream spoiling all", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  for (const stream of [
    "control.revocations",
    "control.approvals.user.usr_other",
    "control.thread.thr_of_nobody.events",
    "runtime.treasury.org.org_other",
    "*",
  ]) {
    const answer = await control.post("/api/sync/token", { streams: ["runtime.stats", stream] }, { token });
    assert.equal(`${answer.status} ${answer.json.code} ${answer.json.reason}`, `403 stream_denied ${stream}`);
    assert.equal(answer.json.token, undefined);
  }
});

test("whose a run's stream is, the runtime says, asked in the caller's name for that alone", async (t) => {
  const runtime = await runtimeStandIn(t, "runtime.run.run_own.events");
  const control = await startHarness(t, { config: { runtimeUrl: runtime.url } });
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const ask = (stream: string) => control.post("/api/sync/token", { streams: [stream] }, { token });
  assert.equal((await ask("runtime.run.run_own.events")).status, 200);
  assert.equal((await ask("runtime.run.run_other.events")).json.code, "stream_denied");
  const [claims] = runtime.claims;
  assert.deepEqual(
    [claims?.sub, claims?.["act"], claims?.["org"], claims?.["scopes"], claims?.["method"]],
    [
      "svc_control",
      owner.userId,
      owner.org,
      ["streams:read"],
      "openagents.runtime.v1.Streams.ListStreamEvents",
    ],
  );
  await runtime.stop();
  assert.equal((await ask("runtime.run.run_own.events")).json.code, "stream_owner_unavailable");
});

test("a device gets sync tokens of its own, which end with it", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const device = newDevice();
  const deviceId = await enroll(control, device, await owner.token());
  const token = await deviceToken(control, device);
  const answer = await control.post("/api/sync/token", { streams: ["runtime.run.*.events"] }, { token });
  assert.equal(decodeJwt(answer.json.token).sub, deviceId);
  assert.equal(decodeJwt(answer.json.token)["sid"], deviceId);
});

test("what a caller may do is answered beforehand, with every reason against it", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const authorize = async (body: object) =>
    (await control.post("/api/policy/authorize", body, { token })).json;
  const allowed = await authorize({ required_scopes: ["runs:read"], streams: ["runtime.stats"] });
  assert.deepEqual(allowed, {
    allowed: true,
    org_id: owner.org,
    granted_scopes: ["runs:read"],
    granted_streams: ["runtime.stats"],
    denied_reasons: [],
  });
  const denied = await authorize({
    required_scopes: ["runs:read", "admin"],
    streams: ["runtime.stats", "control.revocations"],
  });
  assert.deepEqual(denied.denied_reasons, ["scope_denied:admin", "stream_denied:control.revocations"]);
  assert.deepEqual(denied.granted_scopes, ["runs:read"]);
  assert.equal(denied.allowed, false);
  const elsewhere = await authorize({ org_id: "org_other", required_scopes: ["runs:read"] });
  assert.deepEqual(elsewhere.denied_reasons, ["org_denied", "scope_denied:runs:read"]);
});

/** A simulator of the runtime: it shows one stream, and 404 for every other. */
async function runtimeStandIn(t: TestContext, shown: string) {
  const claims: ReturnType<typeof decodeJwt>[] = [];
  const server = createServer((request, response) => {
    claims.push(decodeJwt((request.headers.authorization ?? "").replace("Bearer ", "")));
    const isShown = (request.url ?? "").includes(shown);
    const stream = {
      stream_id: shown,
      head_seq: 0,
      floor_seq: 0,
      updated_at: "2026-01-01T00:00:00.000Z",
      retention: "permanent",
    };
    const problem = { type: "x", title: "Not Found", status: 404, code: "stream_not_found", detail: "none" };
    response
      .writeHead(isShown ? 200 : 404, {
        "content-type": isShown ? "application/json" : "application/problem+json",
      })
      .end(JSON.stringify(isShown ? { stream, events: [] } : problem));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(stop);
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, claims, stop };
}
