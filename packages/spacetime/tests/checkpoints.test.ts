import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { openIndexedDbCheckpoints, type Checkpoint, type IndexedDb } from "../src/client/index.ts";
import { openFileCheckpoints } from "../src/file-checkpoints.ts";

const RUN = "runtime.run.run_1.events";

function checkpointOf(seq: bigint, streamId = RUN): Checkpoint {
  return { streamId, seq, chainHash: seq.toString(16).padStart(64, "0"), baseSeq: 0n };
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "oa-checkpoints-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("a file gives back what was kept, of each stream, with numbers over 2^53", async (t) => {
  const file = join(await folder(t), "deep", "checkpoints.json");
  const store = await openFileCheckpoints({ file, clientId: "cli_1" });
  assert.equal(await store.load(RUN), undefined);
  await store.save(checkpointOf(2n ** 60n));
  await store.save(checkpointOf(7n, "runtime.stats"));
  const again = await openFileCheckpoints({ file, clientId: "cli_1" });
  assert.deepEqual(await again.load(RUN), checkpointOf(2n ** 60n));
  assert.deepEqual(await again.load("runtime.stats"), checkpointOf(7n, "runtime.stats"));
  assert.equal(again.rebuilt, undefined);
});

test("saves at once share a write, and each answers when it is in the file", async (t) => {
  const file = join(await folder(t), "checkpoints.json");
  const store = await openFileCheckpoints({ file, clientId: "cli_1" });
  const saves = Array.from({ length: 50 }, async (_, index) => {
    await store.save(checkpointOf(BigInt(index + 1), `runtime.run.run_${index}.events`));
    assert.ok((await readFile(file, "utf8")).includes(`run_${index}.events`));
  });
  await Promise.all(saves);
});

test("a damaged file is refused with the way out, at every length that a crash could leave", async (t) => {
  const file = join(await folder(t), "checkpoints.json");
  await (await openFileCheckpoints({ file, clientId: "cli_1" })).save(checkpointOf(9n));
  const whole = await readFile(file, "utf8");
  for (let length = 0; length < whole.length - 1; length += 7) {
    await writeFile(file, whole);
    await truncate(file, length);
    await assert.rejects(openFileCheckpoints({ file, clientId: "cli_1" }), /damaged .*remove the file/s);
  }
  await writeFile(file, whole.replace('"9"', '"8"'));
  await assert.rejects(openFileCheckpoints({ file, clientId: "cli_1" }), /its hash does not fit/);
});

test("whoever asks for it begins anew after damage: visibly, and the damaged file is kept", async (t) => {
  const path = await folder(t);
  const file = join(path, "checkpoints.json");
  await writeFile(file, '{"version":1');
  const store = await openFileCheckpoints({ file, clientId: "cli_1", whenDamaged: "rebuild" });
  assert.match(store.rebuilt ?? "", /applied anew/);
  assert.equal(await store.load(RUN), undefined);
  assert.deepEqual(await readdir(path), ["checkpoints.json.damaged"]);
  await store.save(checkpointOf(3n));
  assert.deepEqual(
    await (await openFileCheckpoints({ file, clientId: "cli_1" })).load(RUN),
    checkpointOf(3n),
  );
});

test("another client's file is not taken for one's own", async (t) => {
  const file = join(await folder(t), "checkpoints.json");
  await (await openFileCheckpoints({ file, clientId: "cli_1" })).save(checkpointOf(9n));
  await assert.rejects(openFileCheckpoints({ file, clientId: "cli_2" }), /it is of the client cli_1/);
});

test("a save that fails says so, and the next one writes it", async (t) => {
  const path = await folder(t);
  const file = join(path, "inner", "checkpoints.json");
  const store = await openFileCheckpoints({ file, clientId: "cli_1" });
  await rm(join(path, "inner"), { recursive: true });
  await assert.rejects(store.save(checkpointOf(1n)), /ENOENT/);
  await openFileCheckpoints({ file: join(path, "inner", "other.json"), clientId: "cli_1" });
  await store.save(checkpointOf(2n));
  assert.deepEqual(
    await (await openFileCheckpoints({ file, clientId: "cli_1" })).load(RUN),
    checkpointOf(2n),
  );
});

test("IndexedDB gives back what was kept, and a slower tab does not set it back", async () => {
  const indexedDb = new IDBFactory() as unknown as IndexedDb;
  const store = await openIndexedDbCheckpoints({ indexedDb, clientId: "cli_1" });
  const otherTab = await openIndexedDbCheckpoints({ indexedDb, clientId: "cli_1" });
  assert.equal(await store.load(RUN), undefined);
  await store.save(checkpointOf(2n ** 60n));
  await otherTab.save(checkpointOf(5n));
  assert.deepEqual(await otherTab.load(RUN), checkpointOf(2n ** 60n));
  const other = await openIndexedDbCheckpoints({ indexedDb, clientId: "cli_2" });
  assert.equal(await other.load(RUN), undefined);
});
