// What holds for every store of bytes, on a disk and in a bucket.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { newBlobName, type Arrived, type BlobStore } from "../src/artifacts/blob-store.ts";
import { diskStore } from "../src/artifacts/disk-store.ts";
import { s3Store } from "../src/artifacts/s3-store.ts";
import { signedFetch, startS3Server, type S3Server } from "./s3-server.ts";

type Scene = { readonly store: BlobStore; readonly arrive: (content: Buffer) => Promise<Arrived> };

test("on a disk", async (t) => {
  const folder = await folderOf(t);
  await conforms(t, await sceneOf(t, diskStore(folder), folder));
});

test("in a bucket", async (t) => {
  const server = await startS3Server(t);
  if (server === undefined) return;
  await conforms(t, await sceneOf(t, s3Store({ ...server, prefix: "artifacts/" })));

  await t.test("a name that is taken keeps what it has", async (each) => {
    const { arrive, store } = await sceneOf(each, s3Store({ ...server, prefix: "" }));
    const blob = newBlobName("a".repeat(64));
    await store.put(blob, await arrive(Buffer.from("first")));
    await assert.rejects(store.put(blob, await arrive(Buffer.from("second"))), unavailable);
    assert.equal(await textOf(store, blob), "first");
  });

  await t.test("wrong keys and a server that is away are 503, without a key in the error", async (each) => {
    const wrong: S3Server = { ...server, secretAccessKey: "canary-of-a-secret-key" };
    const away: S3Server = { ...server, endpoint: "http://127.0.0.1:1" };
    for (const settings of [wrong, away]) {
      const { arrive, store } = await sceneOf(each, s3Store({ ...settings, prefix: "" }));
      const arrived = await arrive(Buffer.from("x"));
      const calls = [
        () => store.put(newBlobName(arrived.sha256), arrived),
        () => store.get("absent"),
        () => store.stat("absent"),
        () => store.delete("absent"),
      ];
      for (const call of calls) {
        await assert.rejects(call(), (error: unknown) => {
          assert.ok(unavailable(error));
          const said = `${JSON.stringify(error)}${String(error)}${String((error as Error).cause)}`;
          assert.ok(!said.includes(settings.secretAccessKey) && !said.includes(settings.accessKeyId), said);
          return true;
        });
      }
    }
  });

  await t.test("objects are where the prefix says", async () => {
    const listed = await (await signedFetch(server, "GET", "/artifacts")).text();
    assert.match(listed, /<Key>artifacts\/[0-9a-f]{64}\.[0-9a-f]{16}<\/Key>/);
  });
});

async function conforms(t: TestContext, { store, arrive }: Scene): Promise<void> {
  await t.test("bytes come back as they were, empty, small and large", async () => {
    for (const content of [Buffer.alloc(0), Buffer.from("small"), randomBytes(9 * 1024 * 1024 + 1)]) {
      const arrived = await arrive(content);
      const blob = newBlobName(arrived.sha256);
      await store.put(blob, arrived);
      assert.equal(await store.stat(blob), content.length);
      const read = await store.get(blob);
      assert.ok(read && content.equals(await buffer(read)));
    }
  });

  await t.test("what is not there is undefined, and deleting it is fine", async () => {
    const blob = newBlobName("0".repeat(64));
    assert.equal(await store.get(blob), undefined);
    assert.equal(await store.stat(blob), undefined);
    await store.delete(blob);
  });

  await t.test("what was deleted is gone, and the same bytes under another name are not", async () => {
    const content = Buffer.from("twice");
    const [gone, kept] = [newBlobName("b".repeat(64)), newBlobName("b".repeat(64))];
    await store.put(gone, await arrive(content));
    await store.put(kept, await arrive(content));
    await store.delete(gone);
    await store.delete(gone);
    assert.equal(await store.stat(gone), undefined);
    assert.equal(await textOf(store, kept), "twice");
  });

  await t.test("a reader that leaves in the middle harms nobody", async () => {
    const content = randomBytes(4 * 1024 * 1024);
    const blob = newBlobName("c".repeat(64));
    await store.put(blob, await arrive(content));
    for await (const chunk of (await store.get(blob)) ?? []) {
      assert.ok(chunk.length > 0);
      break;
    }
    assert.equal(await store.stat(blob), content.length);
  });
}

async function sceneOf(t: TestContext, store: BlobStore, folder?: string): Promise<Scene> {
  const incoming = folder ?? (await folderOf(t));
  return {
    store,
    async arrive(content) {
      const path = join(incoming, randomBytes(8).toString("hex"));
      await writeFile(path, content);
      return { path, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
    },
  };
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oa-blobs-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function textOf(store: BlobStore, blob: string): Promise<string> {
  const read = await store.get(blob);
  return read === undefined ? "" : (await buffer(read)).toString("utf8");
}

function unavailable(error: unknown): boolean {
  return error instanceof ProblemError && error.code === "artifact_store_unavailable";
}
