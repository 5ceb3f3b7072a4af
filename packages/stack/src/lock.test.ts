import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { findHolder, shareLock, takeLock } from "./lock.ts";
import { identify, isAlive } from "./process-identity.ts";

test("a lock that is held is refused to everyone else, in this process too", (t) => {
  const path = lockPath(t);
  const lock = takeLock(path);
  assert.ok(lock);
  assert.equal(takeLock(path), undefined);
  assert.equal(findHolder(path)?.pid, process.pid);
  lock.release();
  lock.release();
  assert.equal(findHolder(path), undefined);
  takeLock(path)?.release();
});

test("a lock is shared by many or held by one", (t) => {
  const path = lockPath(t);
  const [one, other] = [shareLock(path), shareLock(path)];
  assert.ok(one && other);
  assert.equal(takeLock(path), undefined);
  one.release();
  one.release();
  assert.equal(takeLock(path), undefined, "the other one still shares it");
  other.release();
  const lock = takeLock(path);
  assert.ok(lock);
  assert.equal(shareLock(path), undefined);
  lock.release();
});

test("a lock ends with its holder, however that ends", async (t) => {
  const path = lockPath(t);
  const holder = await startTaker(t, path);
  assert.equal(holder.won, true);
  assert.equal(takeLock(path), undefined);
  assert.equal(findHolder(path)?.pid, holder.child.pid);

  holder.child.kill("SIGKILL");
  await once(holder.child, "exit");
  assert.equal(findHolder(path), undefined);
  const lock = takeLock(path);
  assert.ok(lock, "the dead holder's lock is free");
  lock.release();
});

test("of many who take over a dead holder's lock at once, exactly one wins", async (t) => {
  const path = lockPath(t);
  const dead = await startTaker(t, path);
  dead.child.kill("SIGKILL");
  await once(dead.child, "exit");

  const takers = await Promise.all(Array.from({ length: 8 }, () => startTaker(t, path)));
  const winners = takers.filter((taker) => taker.won);
  assert.equal(winners.length, 1);
  assert.equal(findHolder(path)?.pid, winners[0]?.child.pid);
});

test("a lock does not pass on to processes that the holder starts", async (t) => {
  const path = lockPath(t);
  const holder = await startTaker(t, path, "spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }).pid");
  t.after(() => process.kill(Number(holder.said), "SIGKILL"));
  holder.child.kill("SIGKILL");
  await once(holder.child, "exit");
  assert.equal(isAlive({ ...mustIdentify(Number(holder.said)) }), true);
  const lock = takeLock(path);
  assert.ok(lock);
  lock.release();
});

test("a pid that another process has now is not the holder", (t) => {
  const path = lockPath(t);
  const self = mustIdentify(process.pid);
  writeFileSync(path, JSON.stringify(self));
  assert.equal(findHolder(path)?.pid, process.pid);
  writeFileSync(path, JSON.stringify({ ...self, startTicks: String(Number(self.startTicks) - 1) }));
  assert.equal(findHolder(path), undefined);
  writeFileSync(path, JSON.stringify({ ...self, bootId: "another boot" }));
  assert.equal(findHolder(path), undefined);
});

test("what is no holder in the file is nobody, whatever it is", (t) => {
  const path = lockPath(t);
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '{"pid":1}',
    '{"pid":"7"}',
    '{"pid":-4,"startTicks":"1","bootId":"x"}',
  ]) {
    writeFileSync(path, text);
    assert.equal(findHolder(path), undefined, text);
  }
  takeLock(path)?.release();
  assert.equal(readFileSync(path, "utf8"), "");
});

function lockPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "oa-lock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "stack.lock");
}

function mustIdentify(pid: number) {
  const identity = identify(pid);
  assert.ok(identity);
  return identity;
}

type Taker = { readonly child: ChildProcess; readonly won: boolean; readonly said: string };

/** A process that takes the lock, says whether it won, evaluates `then`, and stays. */
async function startTaker(t: TestContext, path: string, then = "''"): Promise<Taker> {
  const source = `
    import { spawn } from "node:child_process";
    import { takeLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
    const lock = takeLock(${JSON.stringify(path)});
    process.send({ won: lock !== undefined, said: String(${then}) });
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", source], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [message] = await once(child, "message");
  return { child, won: message.won, said: message.said };
}
