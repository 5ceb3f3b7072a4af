// The transparency log as outsiders use it: watching it, comparing what two saw
// of it, and proving with nothing but copies that a verified job was paid for.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  formatNoteKey,
  noteKeyOf,
  parseTilePath,
  signCheckpoint,
  verifySignature,
} from "@openagents/receipts";
import { leafOf, readCheckpoint, readPublishedLog, rootByPath, treeHash } from "@openagents/testing";
import { freshHome, type Home } from "./openagents.ts";

test("a stranger with a copy of the log, a bundle and two public keys proves that a verified job was paid for", async (t) => {
  const home = freshHome(t);
  const up = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
  const demo = await home.run(["demo", "--json"]);
  assert.equal(demo.code, 0, demo.err);
  const bundle: string = JSON.parse(demo.out).bundle_dir;
  const first = await home.run(["log", "watch", "--once", "--json"]);
  assert.equal(first.code, 0, first.err);
  const shown = JSON.parse((await home.run(["log", "show", "--json"])).out);
  assert.equal(shown.kept_size, JSON.parse(first.out).size);
  const { log_key: logKey } = shown;

  // What a stranger downloads, and then there is no server any more.
  const checkpoint = await (await fetch(`${up.runtime_url}/log/checkpoint`)).text();
  const head = readCheckpoint(checkpoint, logKey);
  const copy = new Map<string, Uint8Array>();
  await readPublishedLog(head.size, head.root, async (path) => {
    const bytes = new Uint8Array(await (await fetch(`${up.runtime_url}/log/${path}`)).arrayBuffer());
    copy.set(path, bytes);
    return bytes;
  });
  await home.run(["down"]);

  const leaves = await readPublishedLog(
    head.size,
    head.root,
    async (path) => copy.get(path) ?? assert.fail(path),
  );
  const documents = readdirSync(join(bundle, "receipts")).map((file) => read(join(bundle, "receipts", file)));
  for (const document of [...documents, read(join(bundle, "BUNDLE.json"))]) {
    const { receipt, signature, inclusion } = document;
    const { receipt_id: id, canonical_json_sha256: hash, ...facts } = receipt;
    // The file is in canonical form, so that what remains of it is, too.
    assert.equal(createHash("sha256").update(JSON.stringify(facts)).digest("hex"), hash, id);
    assert.ok(verifySignature(signature.signature_hex, hash, up.operator_public_key), id);
    const leaf = leafOf(Buffer.from(hash, "hex"));
    assert.deepEqual(leaves[inclusion.log_index], leaf, id);
    const own = readCheckpoint(inclusion.checkpoint, logKey);
    const path = inclusion.hashes.map((each: string) => Buffer.from(each, "hex"));
    assert.deepEqual(rootByPath(inclusion.log_index, own.size, leaf, path), own.root, id);
    // The checkpoint that the proof leads to is an earlier state of the log that was downloaded.
    assert.deepEqual(treeHash(leaves.slice(0, own.size)), own.root, id);
  }
  const byId = new Map(documents.map(({ receipt }) => [receipt.receipt_id, receipt]));
  const payment = documents.find(({ receipt }) => receipt.receipt_id.startsWith("pay_"))?.receipt;
  const verification = byId.get(payment.verification_receipt_id);
  assert.equal(payment.verification_receipt_sha256, verification.canonical_json_sha256);
  assert.equal(payment.job_id, verification.job_id);
  assert.equal(verification.verdict, "proven");

  const stranger = freshHome(t);
  const keys = ["--operator", up.operator_public_key, "--log", logKey];
  const verified = await stranger.run(["verify", bundle, "--json", ...keys]);
  assert.equal(verified.code, 0, verified.out);
  assert.equal(claimOf(verified.out, "inclusion").state, "holds");
  const file = join(bundle, "receipts", `${payment.receipt_id}.json`);
  const alone = await stranger.run(["receipts", "verify", file, "--json", ...keys]);
  assert.equal(alone.code, 0, alone.out);
  assert.equal(claimOf(alone.out, "inclusion").state, "holds");
  const unpinned = await stranger.run(["receipts", "verify", file, "--json", ...keys.slice(0, 2)]);
  assert.equal(claimOf(unpinned.out, "inclusion").state, "not_checked");
  assert.equal((await stranger.run(["receipts", "verify", file, "--log", "no key"])).code, 2);
});

test("a watcher follows a log that grows, and tells a fork, a rollback, a split view and another's signature, with both sides kept", async (t) => {
  const log = await startLog(t);
  const home = freshHome(t);
  const watch = async () => {
    const { code, out, err } = await home.run([
      "log",
      "watch",
      "--once",
      "--json",
      "--url",
      log.url,
      "--log",
      log.key,
    ]);
    return { code, err, ...(out === "" ? {} : JSON.parse(out)) };
  };
  log.show("honest", 5);
  assert.deepEqual(pick(await watch()), [0, "first", 5]);
  assert.deepEqual(pick(await watch()), [0, "unchanged", 5]);
  log.show("honest", 600);
  assert.deepEqual(pick(await watch()), [0, "grown", 600]);

  log.show("forked", 700);
  const fork = await watch();
  assert.deepEqual(pick(fork), [1, "fork", 700]);
  assert.equal(readCheckpoint(readFileSync(join(fork.evidence, "kept"), "utf8"), log.key).size, 600);
  assert.equal(readCheckpoint(readFileSync(join(fork.evidence, "seen"), "utf8"), log.key).size, 700);
  assert.deepEqual(pick(await watch()), [1, "fork", 700]);
  log.show("forked", 600);
  assert.deepEqual(pick(await watch()), [1, "split_view", 600]);
  log.show("honest", 599);
  assert.deepEqual(pick(await watch()), [1, "rollback", 599]);
  log.show("stranger", 700);
  assert.deepEqual(pick(await watch()), [1, "unsigned", undefined]);
  log.show("honest", 701);
  assert.deepEqual(pick(await watch()), [0, "grown", 701]);
});

test("two watchers who compare what they kept find out that each was shown another log", async (t) => {
  const log = await startLog(t);
  const [one, two, three] = [freshHome(t), freshHome(t), freshHome(t)];
  const kept = async (home: Home, history: History, size: number): Promise<string> => {
    log.show(history, size);
    const look = await home.run(["log", "watch", "--once", "--json", "--url", log.url, "--log", log.key]);
    assert.equal(look.code, 0, look.out + look.err);
    return JSON.parse(look.out).kept_checkpoint;
  };
  const a = await kept(one, "honest", 300);
  const b = await kept(two, "forked", 300);
  const c = await kept(three, "honest", 420);
  const check = (files: string[], ...more: string[]) =>
    one.run(["log", "check", ...files, "--log", log.key, ...more]);
  const split = await check([a, b]);
  assert.equal(split.code, 1);
  assert.match(split.out, /split view/);
  assert.equal((await check([a, a])).code, 0);
  assert.equal((await check([a, c])).code, 2);
  assert.equal((await check([c, a], "--url", log.url)).code, 0);
  assert.match((await check([b, c], "--url", log.url)).out, /fork/);
});

test("a watcher asks a log that is away again, and still ends at once when the log then tells another history", async (t) => {
  const log = await startLog(t);
  const home = freshHome(t);
  log.show("honest", 5);
  const watch = home.start(["log", "watch", "--url", log.url, "--log", log.key]);
  await watch.waitFor(/first checkpoint/);
  log.away = true;
  await watch.waitFor(/– not reached, again in [0-9.]+ s: .*\n/);
  log.away = false;
  log.show("honest", 300);
  await watch.waitFor(/the log can be read again\nsize 300, consistent with size 5\n/);
  log.show("forked", 400);
  const { code, out } = await watch.ended;
  assert.equal(code, 1);
  assert.match(out, /✗ fork: size 300/);

  log.away = true;
  for (const args of [["--once"], []]) {
    const first = await freshHome(t).run(["log", "watch", ...args, "--url", log.url, "--log", log.key]);
    assert.equal(first.code, 1, "a first look that fails is a wrong address, likelier than not");
  }
});

test("checkpoints are compared offline with tiles that were downloaded, whole ones in place of partial ones", async (t) => {
  const log = await startLog(t);
  const home = freshHome(t);
  const folder = join(home.folder, "copy");
  const files: string[] = [];
  for (const size of [300, 700]) {
    log.show("honest", size);
    files.push(join(home.folder, `${size}`));
    writeFileSync(files.at(-1) ?? "", await (await fetch(`${log.url}/log/checkpoint`)).text());
  }
  for (const path of ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      Buffer.from(await (await fetch(`${log.url}/log/${path}`)).arrayBuffer()),
    );
  }
  log.away = true;
  const check = (...args: string[]) => home.run(["log", "check", ...args, "--log", log.key]);
  const fine = await check(...files, "--tiles", folder);
  assert.equal(fine.code, 0, fine.out + fine.err);
  log.away = false;
  log.show("forked", 300);
  writeFileSync(files[0] ?? "", await (await fetch(`${log.url}/log/checkpoint`)).text());
  assert.match((await check(...files, "--tiles", folder)).out, /✗ fork/);
  rmSync(join(folder, "tile/0/001"));
  const missing = await check(...files, "--tiles", folder);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /has no tile\/0\/001.*; download \/log\/tile\/0\/001.*tile_missing/);

  const alone = await check(files[1] ?? "");
  assert.deepEqual([alone.code, /compared with nothing/.test(alone.out)], [2, true]);
  const shorter = await check(files[1] ?? "", "--url", log.url);
  assert.deepEqual([shorter.code, /✗ rollback.*the log now/.test(shorter.out)], [1, true], shorter.err);
  log.show("forked", 750);
  assert.match((await check(files[1] ?? "", "--url", log.url)).out, /✗ fork.*the log now/);
});

type History = "honest" | "forked" | "stranger";

/** A log that can show any history, as a dishonest one would. */
async function startLog(t: TestContext) {
  const origin = "log.example/test";
  const secret = "22".repeat(32);
  const entries = (forked: boolean) =>
    Array.from({ length: 800 }, (_, at) =>
      leafOf(Buffer.from(forked && at === 3 ? "forged" : `entry ${at}`)),
    );
  let shown: { history: History; size: number } = { history: "honest", size: 0 };
  let away = false;
  const leaves = () => entries(shown.history === "forked").slice(0, shown.size);
  const server = createServer((request, reply) => {
    if (away) {
      reply.statusCode = 503;
      reply.end();
      return;
    }
    const path = (request.url ?? "").slice("/log/".length);
    if (path === "checkpoint") {
      const key = shown.history === "stranger" ? "33".repeat(32) : secret;
      reply.setHeader("content-type", "text/plain; charset=utf-8");
      reply.end(signCheckpoint({ size: shown.size, root: treeHash(leaves()) }, origin, key));
      return;
    }
    const tile = parseTilePath(path) ?? assert.fail(path);
    const row =
      tile.level === 0
        ? leaves()
        : [0, 1, 2, 3].map((at) => treeHash(leaves().slice(at * 256, at * 256 + 256)));
    reply.setHeader("content-type", "application/octet-stream");
    reply.end(Buffer.concat(row.slice(tile.index * 256, tile.index * 256 + tile.width)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    key: formatNoteKey(noteKeyOf(origin, secret)),
    set away(is: boolean) {
      away = is;
    },
    show(history: History, size: number) {
      shown = { history, size };
    },
  };
}

function pick(look: { readonly code: number | null; readonly kind?: string; readonly size?: number }) {
  return [look.code, look.kind, look.size];
}

function claimOf(out: string, name: string) {
  return JSON.parse(out).claims.find((claim: { readonly name: string }) => claim.name === name);
}

// oxlint-disable-next-line typescript/no-explicit-any
function read(path: string): any {
  return JSON.parse(readFileSync(path, "utf8"));
}
