import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

const STREAM = "runtime.run.run_1.events";
const BASE = "/v1/database/autopilot-sync";

test("the endpoints that SpacetimeDB's clients and tools ask", async (t) => {
  const sync = await startHarness(t);
  const token = await sync.token({ streams: [STREAM] });
  const authorization = `Bearer ${token}`;
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${sync.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? undefined : JSON.parse(text) };
  };
  assert.equal((await call("GET", "/v1/ping")).status, 200);
  assert.equal((await call("GET", "/healthz")).json.service, "sync_service");
  assert.equal((await call("GET", "/readyz")).status, 200);
  assert.equal((await call("GET", `${BASE}/schema?version=9`)).json.tables.length, 5);
  assert.equal((await call("GET", `${BASE}/schema`)).status, 400);
  assert.equal((await call("GET", "/v1/database/other/schema?version=9")).status, 404);

  assert.equal((await call("POST", "/v1/identity/websocket-token")).status, 401);
  const { json } = await call("POST", "/v1/identity/websocket-token", undefined, { authorization });
  assert.equal(json.token, token);
  assert.match((await call("POST", "/v1/identity", undefined, { authorization })).json.identity, /^c200/);

  const append = await call("POST", `${BASE}/call/append_sync_event`, [], { authorization });
  assert.deepEqual([append.status, append.json.code], [403, "reducer_refused"]);
  assert.match(append.json.detail, /^append_refused /);
  assert.equal((await call("POST", `${BASE}/call/append_sync_event`, [])).status, 401);
  const acknowledge = `${BASE}/call/ack_stream_checkpoint`;
  assert.equal((await call("POST", acknowledge, ["usr_1", STREAM, 5, 5], { authorization })).status, 200);
  assert.match(
    (await call("POST", acknowledge, ["usr_1", STREAM, -1, 5], { authorization })).json.detail,
    /invalid/,
  );
  assert.match((await call("POST", acknowledge, {}, { authorization })).json.detail, /client_id must be/);
});

test("a page of this computer may ask for a session's token, and a page from elsewhere may not", async (t) => {
  const sync = await startHarness(t);
  const ask = (origin: string, method = "OPTIONS") =>
    fetch(`${sync.url}/v1/identity/websocket-token`, {
      method,
      headers: { origin, "access-control-request-method": "POST" },
    });
  const own = await ask("http://localhost:8787");
  assert.equal(own.status, 204);
  assert.equal(own.headers.get("access-control-allow-origin"), "http://localhost:8787");
  assert.match(own.headers.get("access-control-allow-headers") ?? "", /authorization/);
  // A refusal has to be readable, too, for the page to say why.
  const refused = await ask("http://localhost:8787", "POST");
  assert.deepEqual([refused.status, refused.headers.get("vary")], [401, "origin"]);
  const foreign = await ask("https://elsewhere.example");
  assert.deepEqual([foreign.status, foreign.headers.get("access-control-allow-origin")], [403, null]);
});

test("a session is opened for a client of the window, with a protocol and a token, at its own address", async (t) => {
  const sync = await startHarness(t);
  const token = await sync.token({ streams: [STREAM] });
  const open = (path: string, headers: Record<string, string> = {}) => upgrade(sync.url, path, headers);
  const path = `${BASE}/subscribe`;
  assert.equal((await open(`${path}?token=${token}`)).status, 101);
  assert.equal((await open(path, { authorization: `Bearer ${token}` })).status, 101);
  assert.deepEqual(await open(path), { status: 401, code: "token_missing" });
  assert.deepEqual(await open(`${path}?token=${token.slice(0, -2)}`), { status: 401, code: "token_invalid" });
  const other = { "sec-websocket-protocol": "v1.json.spacetimedb" };
  assert.deepEqual(await open(`${path}?token=${token}`, other), {
    status: 400,
    code: "protocol_unsupported",
  });
  assert.deepEqual(await open(`/v1/database/other/subscribe?token=${token}`), {
    status: 404,
    code: "database_not_found",
  });
  for (const [query, headers] of [
    ["&x-oa-schema-version=99", {}],
    ["", { "x-oa-schema-version": "99" }],
  ] as const) {
    assert.deepEqual(await open(`${path}?token=${token}${query}`, headers), {
      status: 426,
      code: "unsupported_schema_version",
    });
  }
  assert.deepEqual(await open(path, { origin: "https://evil.example" }), {
    status: 403,
    code: "origin_not_allowed",
  });
});

function upgrade(url: string, path: string, headers: Record<string, string>) {
  return new Promise<{ status: number; code?: string }>((resolve, reject) => {
    const opening = request(`${url}${path}`, {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.alloc(16).toString("base64"),
        "sec-websocket-protocol": "v3.bsatn.spacetimedb",
        ...headers,
      },
    });
    opening.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0 });
    });
    opening.once("response", (response) => {
      let body = "";
      response.on("data", (chunk) => (body += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, code: JSON.parse(body).code }));
    });
    opening.once("error", reject);
    opening.end();
  });
}
