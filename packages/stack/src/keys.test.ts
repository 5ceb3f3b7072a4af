import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { publicKeyOf } from "@openagents/receipts";
import { createAuthenticator } from "@openagents/service";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { dataDirAt } from "./data-dir.ts";
import { loadKeys, loadOrCreateKeys, publicTokenKey } from "./keys.ts";
import { allScopes } from "./scopes.ts";
import {
  localDevice,
  localOwner,
  localProvider,
  localReserve,
  mintSyncToken,
  mintToken,
  tokenSource,
} from "./tokens.ts";

/** What directories from before it get. */
const LATER = [
  "log.hex",
  "database-sync.hex",
  "control-receipts.hex",
  "control-auth.hex",
  "control-sealing.hex",
  "database-control.hex",
];

const NOW = Date.parse("2026-11-24T02:00:00.000Z");

test("keys are made once, stay the same, and only their owner may read them", async (t) => {
  const dataDir = folderOf(t);
  const made = await loadOrCreateKeys(dataDir);
  assert.deepEqual(await loadOrCreateKeys(dataDir), made);
  assert.deepEqual(loadKeys(dataDir), made);
  assert.equal(made.operatorKey, publicKeyOf(made.receiptKey));
  for (const file of readdirSync(dataDir.keys)) {
    assert.equal(statSync(join(dataDir.keys, file)).mode & 0o777, 0o600, file);
  }
  assert.equal(statSync(dataDir.keys).mode & 0o777, 0o700);
});

test("several who make the keys at once end up with the same ones", async (t) => {
  const dataDir = folderOf(t);
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => loadOrCreateKeys(dataDir)));
  for (const other of others) assert.deepEqual(other, first);
});

test("two stacks share no key, owner or organisation", async (t) => {
  const [one, two] = [await loadOrCreateKeys(folderOf(t)), await loadOrCreateKeys(folderOf(t))];
  assert.notEqual(one.operatorKey, two.operatorKey);
  assert.notEqual(one.tokenKey.kid, two.tokenKey.kid);
  assert.notDeepEqual(localOwner(one), localOwner(two));
});

test("a missing or damaged key is an error with the file's name, never a new key", async (t) => {
  const dataDir = folderOf(t);
  assert.throws(() => loadKeys(dataDir), { code: "no_stack_here" });
  await loadOrCreateKeys(dataDir);
  for (const file of readdirSync(dataDir.keys)) {
    const path = join(dataDir.keys, file);
    const kept = readFileSync(path);
    writeFileSync(path, "damaged\n");
    await assert.rejects(loadOrCreateKeys(dataDir), { code: "key_damaged", message: new RegExp(file) });
    rmSync(path);
    if (!LATER.includes(file))
      await assert.rejects(loadOrCreateKeys(dataDir), { code: "key_damaged", message: new RegExp(file) });
    writeFileSync(path, kept);
  }
  loadKeys(dataDir);
});

test("a directory from before there was a log, sync or control gets their keys, and keeps them", async (t) => {
  const dataDir = folderOf(t);
  const made = await loadOrCreateKeys(dataDir);
  for (const file of LATER) rmSync(join(dataDir.keys, file));
  const added = await loadOrCreateKeys(dataDir);
  const { logKey, databaseSyncPassword, control } = made;
  assert.deepEqual({ ...added, logKey, databaseSyncPassword, control }, made);
  assert.deepEqual(await loadOrCreateKeys(dataDir), added);
  for (const file of LATER) assert.equal(statSync(join(dataDir.keys, file)).mode & 0o777, 0o600);
});

test("a sync token names its streams, is for the sync lane alone, and lives five minutes at most", async (t) => {
  const keys = await loadOrCreateKeys(folderOf(t));
  const streams = ["runtime.run.*.events", "runtime.stats"];
  const claims = decodeJwt(await mintSyncToken(keys, { streams }, NOW));
  assert.deepEqual([claims.aud, claims["streams"]], ["openagents-sync", streams]);
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 300);
  await assert.rejects(mintSyncToken(keys, { streams: ["runtime.*"] }, NOW), { code: "stream_unknown" });
  await assert.rejects(mintSyncToken(keys, { streams, ttlSeconds: 301 }, NOW), { code: "ttl_out_of_range" });
});

test("a data directory that others may enter is refused", async (t) => {
  const dataDir = folderOf(t);
  mkdirSync(dataDir.root);
  chmodSync(dataDir.root, 0o755);
  await assert.rejects(loadOrCreateKeys(dataDir), { code: "folder_not_private", nextStep: /chmod 700/ });
});

test("a token has every claim of the final form, and none of the private key", async (t) => {
  const keys = await loadOrCreateKeys(folderOf(t));
  const token = await mintToken(keys, {}, NOW);
  assert.deepEqual(decodeProtectedHeader(token), { alg: "EdDSA", typ: "JWT", kid: keys.tokenKey.kid });
  const { jti, ...claims } = decodeJwt(token);
  assert.match(jti ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(claims, {
    iss: "openagents-local",
    aud: "openagents",
    sub: localOwner(keys).sub,
    org: localOwner(keys).org,
    scopes: await allScopes(),
    zone: "0.5",
    sid: `ses_${keys.localId}`,
    iat: NOW / 1000,
    exp: NOW / 1000 + 600,
  });
  assert.equal("d" in publicTokenKey(keys), false);
});

test("services accept the tokens of owner and providers as what they are", async (t) => {
  const keys = await loadOrCreateKeys(folderOf(t));
  const authenticate = authenticator(keys, NOW + 1000);
  const owner = await authenticate(`Bearer ${await mintToken(keys, { scopes: ["runs:read"] }, NOW)}`);
  assert.deepEqual(
    [owner.kind, owner.org, [...owner.scopes], owner.zoneTenths],
    ["user", localOwner(keys).org, ["runs:read"], 5],
  );
  const [a, b] = [localProvider("a"), localProvider("b")];
  const provider = await authenticate(`Bearer ${await mintToken(keys, a, NOW)}`);
  assert.deepEqual(
    [provider.kind, provider.id, provider.org, provider.device, provider.account],
    ["device", a.sub, a.org, a.device, localOwner(keys).org],
  );
  assert.notEqual(a.org, b.org);
  const device = await authenticate(`Bearer ${await mintToken(keys, localDevice(keys), NOW)}`);
  assert.deepEqual([device.kind, device.org, device.zoneTenths], ["device", localOwner(keys).org, 5]);
  assert.equal(device.scopes.has("treasury:spend"), false);
  const reserve = await authenticate(`Bearer ${await mintToken(keys, localReserve, NOW)}`);
  assert.deepEqual([reserve.kind, reserve.org, reserve.zoneTenths], ["service", "org_operator", 0]);
});

test("no token outlives its time, and none is made to live longer than ten minutes", async (t) => {
  const keys = await loadOrCreateKeys(folderOf(t));
  const token = await mintToken(keys, { ttlSeconds: 60 }, NOW);
  await assert.rejects(authenticator(keys, NOW + 61_000)(`Bearer ${token}`), { code: "token_expired" });
  for (const ttlSeconds of [0, -1, 601, 1.5, Number.NaN]) {
    await assert.rejects(mintToken(keys, { ttlSeconds }, NOW), { code: "ttl_out_of_range" });
  }
});

test("a scope that no method needs is refused", async (t) => {
  const keys = await loadOrCreateKeys(folderOf(t));
  await assert.rejects(mintToken(keys, { scopes: ["runs:read", "runs:fly"] }, NOW), {
    code: "scope_unknown",
    message: /runs:fly/,
  });
});

test("a client keeps its token until a minute before it ends", async (t) => {
  const keys = await loadOrCreateKeys(folderOf(t));
  let nowMs = NOW;
  const source = tokenSource(keys, localOwner(keys), () => nowMs);
  const first = await source();
  nowMs += 539_999;
  assert.equal(await source(), first);
  nowMs += 1;
  const second = await source();
  assert.notEqual(second, first);
  assert.equal(decodeJwt(second).exp, NOW / 1000 + 540 + 600);
});

function authenticator(keys: Awaited<ReturnType<typeof loadOrCreateKeys>>, nowMs: number) {
  return createAuthenticator({
    jwks: { keys: [publicTokenKey(keys)] },
    issuer: "openagents-local",
    audience: "openagents",
    nowMs: () => nowMs,
  });
}

function folderOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "oa-keys-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return dataDirAt(join(folder, "data"));
}
