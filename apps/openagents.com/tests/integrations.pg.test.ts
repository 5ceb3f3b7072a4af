// Secrets of integrations: sealed, told to services alone, and called nowhere but where they belong.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { connect } from "@openagents/postgres";
import { startHarness, type Harness } from "./harness.ts";

const SECRET = "ghp_0123456789abcdefABCDEF";
const PATH = "/api/settings/integrations";

test("a secret goes in, is never told again, and a service of its organisation gets it", async (t) => {
  const control = await startHarness(t);
  const connected = await put(control, "github", { secret: SECRET }, { key: "k" });
  assert.equal(connected.status, 200);
  assert.deepEqual(
    [connected.json.integration.secret_hint, connected.json.integration.check_status],
    ["CDEF", "unchecked"],
  );
  assert.match(connected.json.integration.receipt_id, /^intc_/);
  const replayed = await put(control, "github", { secret: SECRET }, { key: "k" });
  assert.equal(replayed.text, connected.text);
  const listed = await control.get(PATH);
  for (const answer of [connected, listed]) assert.ok(!answer.text.includes(SECRET.slice(0, 12)));

  const fetchAs = async (claims: Parameters<Harness["token"]>[0]) =>
    control.get("/api/internal/integrations/github/secret", { token: await control.token(claims) });
  const fetched = await fetchAs({ sub: "svc_runtime" });
  assert.deepEqual([fetched.json.secret, fetched.json.base_url], [SECRET, "https://api.github.com"]);
  assert.equal(fetched.headers.get("cache-control"), "no-store");
  assert.equal((await fetchAs({ sub: "svc_runtime", org: "org_b" })).status, 404);
  assert.equal((await fetchAs({})).json.code, "wrong_principal_kind");
  assert.equal(
    (await fetchAs({ sub: "svc_runtime", scopes: ["integrations:read"] })).json.code,
    "missing_scope",
  );
  const other = await control.token({ sub: "usr_b", org: "org_b" });
  assert.deepEqual((await control.get(PATH, { token: other })).json.integrations, []);
});

test("nothing that is stored, nor a receipt, holds the secret, and a row moved elsewhere does not open", async (t) => {
  const control = await startHarness(t);
  await put(control, "github", { secret: SECRET });
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  const query = (text: string) => db.query<{ all: string }>({ name: "", text });
  for (const table of [
    "control.integrations",
    "authority.receipts",
    "authority.commands",
    "sync.stream_events",
  ]) {
    const rows = await query(`SELECT t::text AS all FROM ${table} AS t`);
    const hex = Buffer.from(SECRET).toString("hex");
    for (const { all } of rows) assert.ok(!all.includes(SECRET) && !all.includes(hex), table);
  }
  await query("UPDATE control.integrations SET org = 'org_b'");
  const token = await control.token({ sub: "svc_runtime", org: "org_b" });
  const moved = await control.get("/api/internal/integrations/github/secret", { token });
  assert.equal(moved.status, 500);
  await query("UPDATE control.integrations SET org = 'org_a', base_url = 'https://evil.example'");
  const redirected = await control.get("/api/internal/integrations/github/secret", {
    token: await control.token({ sub: "svc_runtime" }),
  });
  await db.close();
  assert.equal(redirected.status, 500);
  assert.ok(!redirected.text.includes(SECRET));
});

test("a key is changed without losing a secret, and the older one can go once all is sealed anew", async (t) => {
  const [OLD, NEW] = ["66".repeat(32), "77".repeat(32)];
  const before = await startHarness(t, { config: { sealingKeys: [OLD] } });
  for (const org of ["org_a", "org_b", "org_c"])
    await put(before, "github", { secret: `${SECRET}_${org}` }, { token: await before.token({ org }) });
  const { databaseUrl } = before;
  await before.stop();

  const changing = await startHarness(t, { databaseUrl, config: { sealingKeys: [NEW, OLD] } });
  assert.deepEqual((await reseal(changing)).json, { resealed: 3, more: false });
  assert.deepEqual((await reseal(changing)).json, { resealed: 0, more: false });
  await changing.stop();

  const after = await startHarness(t, { databaseUrl, config: { sealingKeys: [NEW] } });
  for (const org of ["org_a", "org_b", "org_c"]) {
    const token = await after.token({ sub: "svc_runtime", org });
    const fetched = await after.get("/api/internal/integrations/github/secret", { token });
    assert.equal(fetched.json.secret, `${SECRET}_${org}`);
  }
  await after.stop();
  const without = await startHarness(t, { databaseUrl, config: { sealingKeys: [OLD] } });
  const token = await without.token({ sub: "svc_runtime" });
  const missing = await without.get("/api/internal/integrations/github/secret", { token });
  assert.deepEqual([missing.status, missing.json.code], [503, "sealing_key_missing"]);
});

test("a check calls the provider with the secret, and says whom it takes us for", async (t) => {
  const control = await startHarness(t);
  const seen: IncomingMessage["headers"][] = [];
  let status = 200;
  const forgejo = await serve(t, (request, response) => {
    seen.push(request.headers);
    assert.equal(request.url, "/api/v1/user");
    response.writeHead(status, { "content-type": "application/json" }).end('{"login":"ann","id":1}');
  });
  assert.equal((await check(control, "forgejo")).json.reason, "not_connected");
  const connected = await put(control, "forgejo", { secret: SECRET, base_url: `${forgejo}/` });
  assert.equal(connected.json.integration.base_url, forgejo);
  const works = await check(control, "forgejo", "c");
  assert.deepEqual([works.json.integration.check_status, works.json.integration.account], ["works", "ann"]);
  assert.equal((await check(control, "forgejo", "c")).text, works.text);
  assert.equal(seen[0]?.authorization, `token ${SECRET}`);
  status = 401;
  assert.equal((await check(control, "forgejo")).json.integration.check_status, "refused");
  status = 302;
  const redirected = await check(control, "forgejo");
  assert.equal(redirected.json.integration.check_status, "unreachable");
  assert.match(redirected.json.detail, /redirect/);
  assert.equal((await remove(control, "forgejo")).status, 200);
  assert.equal((await remove(control, "forgejo")).json.reason, "not_connected");
});

test("a secret is called nowhere but on the public internet, by form or by name", async (t) => {
  const control = await startHarness(t, {
    config: { development: false, mail: { kind: "smtp", url: "smtp://127.0.0.1:9", from: "a@example.org" } },
    resolve: async () => ["169.254.169.254"],
  });
  for (const base_url of [
    "http://127.0.0.1:3000",
    "https://127.0.0.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]",
    "https://169.254.169.254/latest",
    "https://2130706433",
    "https://10.0.0.1",
    "http://forgejo.example",
    "https://user:pass@forgejo.example",
  ]) {
    const answer = await put(control, "forgejo", { secret: SECRET, base_url });
    assert.deepEqual([answer.status, answer.json.reason], [403, "host_not_allowed"], base_url);
  }
  // Its form is fine, and its name leads inside.
  assert.equal(
    (await put(control, "forgejo", { secret: SECRET, base_url: "https://git.example" })).status,
    200,
  );
  const checked = await check(control, "forgejo");
  assert.equal(checked.json.integration.check_status, "unreachable");
  assert.match(checked.json.detail, /public internet/);
});

test("a secret with a line break in it becomes no header", async (t) => {
  const control = await startHarness(t);
  const requests: string[] = [];
  const forgejo = await serve(t, (request, response) => {
    requests.push(request.url ?? "");
    response.end("{}");
  });
  const answer = await put(control, "forgejo", { secret: "abcdefgh\r\nx-evil: 1", base_url: forgejo });
  assert.deepEqual([answer.status, answer.json.field_errors[0].field], [400, "secret"]);
  assert.deepEqual(requests, []);
});

test("an address that everyone has their own of is asked for", async (t) => {
  const control = await startHarness(t);
  const answer = await put(control, "forgejo", { secret: SECRET });
  assert.deepEqual([answer.status, answer.json.field_errors[0].field], [400, "base_url"]);
});

type Options = { readonly key?: string; readonly token?: string };

function put(control: Harness, provider: string, body: object, options: Options = {}) {
  return control.send("PUT", `${PATH}/${provider}`, body, options);
}

function check(control: Harness, provider: string, key?: string) {
  return control.post(`${PATH}/${provider}/check`, {}, key === undefined ? {} : { key });
}

function remove(control: Harness, provider: string) {
  return control.send("DELETE", `${PATH}/${provider}`, undefined);
}

function reseal(control: Harness) {
  return control.post("/api/internal/integrations/reseal", {});
}

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
