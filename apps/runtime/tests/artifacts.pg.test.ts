// Bytes by hash: who may read them, how much an organisation may store, and that
// nothing half, foreign or damaged is ever answered.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { startHarness, type Harness } from "./harness.ts";
import { filesOf, hashOf, put, putHalf, statusOf, stored, usageOf } from "./store.ts";

const OTHER = { sub: "usr_b", org: "org_b" };

test("what others have is not there, and storing it too costs and answers the same", async (t) => {
  const runtime = await startHarness(t);
  const other = await runtime.token(OTHER);
  const sha256 = await stored(runtime, "same bytes");
  const paths = ["", "/stat"].map((part) => `/internal/v1/artifacts/${sha256}${part}`);
  const absent = paths.map((path) => path.replace(sha256, "0".repeat(64)));
  for (const [index, path] of paths.entries()) {
    const theirs = await runtime.get(path, { token: other });
    const none = await runtime.get(absent[index] ?? "", { token: other });
    assert.deepEqual([theirs.status, theirs.json.code], [404, "artifact_not_found"]);
    const plain = (text: string) => text.replaceAll(/[0-9a-f]{64}|req_[0-9a-f]+/g, "");
    assert.equal(plain(theirs.text), plain(none.text), "absent and foreign are answered alike");
  }
  const first = await put(runtime, "same bytes");
  const second = await put(runtime, "same bytes", other);
  assert.equal(second.text, first.text);
  assert.deepEqual(await usageOf(runtime, other), [10, 1]);
  assert.equal(await statusOf(runtime, sha256, other), 200);
  assert.deepEqual(await usageOf(runtime), [10, 1], "again is counted once");
});

test("another hash, an upload that breaks off and a full tenant leave nothing", async (t) => {
  const runtime = await startHarness(t, { artifactQuota: { bytesMax: 100, objectsMax: 3 } });
  const wrong = await put(runtime, "bytes", undefined, hashOf("other"));
  assert.deepEqual([wrong.status, wrong.json.code], [400, "hash_mismatch"]);
  await putHalf(runtime, "x".repeat(50));
  const large = await put(runtime, "y".repeat(101));
  assert.deepEqual([large.status, large.json.code], [507, "org_bytes_max"]);
  assert.match(large.json.detail, /100 bytes.*7 days.*openagents artifacts ls/);
  for (const content of ["a", "b", "c"]) await stored(runtime, content);
  const fourth = await put(runtime, "d");
  assert.deepEqual([fourth.status, fourth.json.code], [507, "org_objects_max"]);
  assert.equal((await put(runtime, "a")).status, 200, "what it has already it may send again");
  assert.deepEqual(await usageOf(runtime), [3, 3]);
  assert.equal(await statusOf(runtime, hashOf("d")), 404);
  await collectLoose(runtime);
  // The server hears a moment later that the sender of the half one went away.
  await t.waitFor(() => assert.equal(filesOf(runtime).length, 3));
});

test("of uploads at once exactly as many are taken as there is room for", async (t) => {
  const runtime = await startHarness(t, { artifactQuota: { bytesMax: 1_000, objectsMax: 4 } });
  const contents = Array.from({ length: 12 }, (_, index) => `content ${index}`);
  const answers = await Promise.all(contents.map((content) => put(runtime, content)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 4);
  assert.equal(answers.filter(({ json }) => json.code === "org_objects_max").length, 8);
  assert.equal((await usageOf(runtime))[1], 4);
});

test("everyone else has a tenth of the room that an enrolled device has", async (t) => {
  const runtime = await startHarness(t, { artifactQuota: { bytesMax: 100, objectsMax: 100 } });
  const token = await runtime.token({ ...OTHER, zone: "1" });
  assert.equal((await put(runtime, "x".repeat(11), token)).json.code, "org_bytes_max");
  assert.equal((await put(runtime, "x".repeat(10), token)).status, 200);
});

test("bytes that were damaged or lost are never answered as if whole, and an upload puts them back", async (t) => {
  const runtime = await startHarness(t);
  const sha256 = await stored(runtime, "precious");
  const [file = ""] = filesOf(runtime);
  // The answer breaks off, or is an error when nothing of it was sent yet.
  const isAnswered = () =>
    runtime.get(`/internal/v1/artifacts/${sha256}`).then(
      ({ status }) => status === 200,
      () => false,
    );
  assert.equal(await isAnswered(), true);
  for (const damaged of ["damaged!", "preciou", ""]) {
    writeFileSync(file, damaged);
    assert.equal(await isAnswered(), false, damaged);
  }
  rmSync(file);
  assert.equal(await statusOf(runtime, sha256), 404);
  await stored(runtime, "precious");
  assert.equal((await runtime.get(`/internal/v1/artifacts/${sha256}`)).text, "precious");
});

test("what is shared is read until its time, by that organisation alone, and not shared on", async (t) => {
  let nowMs = 1_790_000_000_000;
  const runtime = await startHarness(t, { nowMs: () => nowMs });
  const sha256 = await stored(runtime, "shared");
  const share = (body: object, options: { token?: string; key?: string } = {}) =>
    runtime.post(
      `/internal/v1/artifacts/${sha256}/grants`,
      { org: "org_b", expires_in_ms: 60_000, ...body },
      options,
    );
  const own = await share({ org: "org_a" });
  assert.deepEqual([own.status, own.json.code], [400, "own_org"]);
  const b = await runtime.token(OTHER);
  assert.equal((await share({ org: "org_c" }, { token: b })).json.code, "artifact_not_found");
  const low = await share({}, { token: await runtime.token({ zone: "1" }) });
  assert.deepEqual([low.status, low.json.reason], [403, "zone_not_allowed"]);
  const answer = await share({}, { key: "once" });
  assert.equal(answer.status, 201, answer.text);
  assert.equal((await share({}, { key: "once" })).text, answer.text);
  const receipt = await runtime.get(`/internal/v1/receipts/${answer.json.receipt_id}`);
  assert.match(receipt.text, /"org":"org_b"/);
  assert.equal(await statusOf(runtime, sha256, b), 200);
  assert.deepEqual(await usageOf(runtime, b), [0, 0]);
  assert.equal(await statusOf(runtime, sha256, await runtime.token({ sub: "usr_c", org: "org_c" })), 404);
  const on = await share({ org: "org_c" }, { token: b });
  assert.deepEqual([on.status, on.json.reason], [403, "shared_by_another"]);
  nowMs += 60_000;
  assert.equal(await statusOf(runtime, sha256, await runtime.token(OTHER)), 404);
  assert.equal(await statusOf(runtime, sha256, await runtime.token()), 200);
});

test("the list is paged by hash and says what is stored and what may be", async (t) => {
  const runtime = await startHarness(t, { artifactQuota: { bytesMax: 100, objectsMax: 100 } });
  const hashes = [];
  for (const content of ["a", "bb", "ccc"]) hashes.push(await stored(runtime, content));
  const first = await runtime.get("/internal/v1/artifacts?limit=2");
  const second = await runtime.get(`/internal/v1/artifacts?limit=2&cursor=${first.json.next_cursor}`);
  const listed = [...first.json.artifacts, ...second.json.artifacts];
  assert.deepEqual(
    listed.map((each) => each.sha256),
    hashes.toSorted(),
  );
  assert.ok(listed.every((each) => each.class === "stored"));
  assert.equal(second.json.next_cursor, undefined);
  const { stored_bytes, stored_objects, stored_bytes_max, stored_objects_max } = second.json;
  assert.deepEqual([stored_bytes, stored_objects, stored_bytes_max, stored_objects_max], [6, 3, 100, 100]);
});

/** What came to nothing is due at once. */
async function collectLoose(runtime: Harness): Promise<void> {
  const db = connect({ url: runtime.databaseUrl, applicationName: "test" });
  try {
    await runtime.post("/internal/v1/artifacts/collect", {});
    const left = await db.query(statement("test.loose", "SELECT blob FROM runtime.loose_blobs"));
    assert.deepEqual(left, []);
  } finally {
    await db.close();
  }
}
