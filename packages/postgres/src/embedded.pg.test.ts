import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { connect, isConnectionLoss, startEmbeddedPostgres, statement } from "./index.ts";

test("a server under a folder that only its owner may enter starts, stops, and leaves nothing", async (t) => {
  const dataDir = privateDataDir(t);
  const mountsBefore = mounts();
  const server = await startEmbeddedPostgres({ dataDir });
  assert.equal(await ask(server.adminUrl, "SELECT 1 + 1 AS answer"), 2);
  await server.stop();
  await server.stop();
  assert.equal(existsSync(`/proc/${server.pid}`), false);
  assert.equal(existsSync(join(dataDir, "postmaster.pid")), false);
  assert.equal(mounts(), mountsBefore);
});

test("what was committed is there after a restart, and the password is only the owner's to read", async (t) => {
  const dataDir = privateDataDir(t);
  const first = await startEmbeddedPostgres({ dataDir });
  await ask(first.adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
  await first.stop();
  const second = await startEmbeddedPostgres({ dataDir });
  t.after(() => second.stop());
  assert.equal(await ask(second.adminUrl, "SELECT answer FROM kept"), 42);
  assert.equal(statSync(`${dataDir}.password`).mode & 0o777, 0o600);
  const wrong = new URL(second.adminUrl);
  wrong.password = "wrong";
  await assert.rejects(ask(wrong.href, "SELECT 1"), /password authentication failed/);
});

test("durability stays on", async (t) => {
  const server = await startEmbeddedPostgres({ dataDir: privateDataDir(t) });
  t.after(() => server.stop());
  assert.equal(await ask(server.adminUrl, "SELECT current_setting('fsync') AS answer"), "on");
  assert.equal(await ask(server.adminUrl, "SELECT current_setting('synchronous_commit') AS answer"), "on");
  assert.equal(await ask(server.adminUrl, "SELECT current_setting('full_page_writes') AS answer"), "on");
});

for (const victim of ["parent", "server", "parent and server"] as const) {
  test(`after kill −9 of the ${victim}, a start at once finds everything that was committed`, async (t) => {
    const dataDir = privateDataDir(t);
    const { parent, pid, adminUrl } = await startInChild(dataDir);
    await ask(adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
    const ended = once(parent, "exit");
    if (victim !== "parent") process.kill(pid, "SIGKILL");
    if (victim !== "server") parent.kill("SIGKILL");
    else parent.kill("SIGTERM");
    await ended;
    const again = await startEmbeddedPostgres({ dataDir });
    t.after(() => again.stop());
    assert.equal(await ask(again.adminUrl, "SELECT answer FROM kept"), 42);
  });
}

test("a server that is killed under us is started again with everything that was committed", async (t) => {
  const server = await startEmbeddedPostgres({ dataDir: privateDataDir(t) });
  t.after(() => server.stop());
  await ask(server.adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
  const killed = server.pid;
  process.kill(killed, "SIGKILL");
  assert.equal(await askUntilAnswered(server.adminUrl, "SELECT answer FROM kept"), 42);
  while (server.pid === killed) await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
  assert.equal(existsSync(`/proc/${server.pid}`), false);
});

test("a server that is killed while it starts again, and in the moment when it has, comes up after all", async (t) => {
  const dataDir = privateDataDir(t);
  const server = await startEmbeddedPostgres({ dataDir });
  t.after(() => server.stop());
  await ask(server.adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
  const pidFile = join(dataDir, "postmaster.pid");
  const starting = (killed: number) => {
    const text = existsSync(pidFile) ? readFileSync(pidFile, "utf8") : "";
    const [pid = "", , , , , , , state = ""] = text.split("\n");
    return Number(pid) !== killed && text !== ""
      ? { pid: Number(pid), isReady: state.includes("ready") }
      : undefined;
  };
  let killed = server.pid;
  process.kill(killed, "SIGKILL");
  for (const ready of [false, true, true]) {
    let next = starting(killed);
    while (next === undefined || (ready && !next.isReady)) {
      await new Promise((resolve) => setImmediate(resolve));
      next = starting(killed);
    }
    killed = next.pid;
    process.kill(killed, "SIGKILL");
  }
  assert.equal(await askUntilAnswered(server.adminUrl, "SELECT answer FROM kept"), 42);
  await server.stop();
  assert.equal(existsSync(`/proc/${server.pid}`), false);
});

test("a start that fails names what the server said", async (t) => {
  const dataDir = privateDataDir(t);
  const first = await startEmbeddedPostgres({ dataDir });
  await first.stop();
  rmSync(join(dataDir, "global"), { recursive: true });
  await assert.rejects(startEmbeddedPostgres({ dataDir }), /PostgreSQL ended before it was ready.*global/s);
});

function privateDataDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "oa-embedded-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "home"));
  chmodSync(join(folder, "home"), 0o700);
  return join(folder, "home", "postgres");
}

async function startInChild(dataDir: string) {
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    const { pid, adminUrl } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(JSON.stringify({ pid, adminUrl }));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), "line");
  const { pid, adminUrl } = JSON.parse(String(line)) as { pid: number; adminUrl: string };
  return { parent, pid, adminUrl };
}

async function ask(url: string, sql: string): Promise<unknown> {
  const db = connect({ url, applicationName: "test", connectionsMax: 1 });
  try {
    const [row] = await db.query<{ answer: unknown }>(statement("", sql));
    return row?.answer;
  } finally {
    await db.close();
  }
}

/** Bounded by the time limit of the test run. */
async function askUntilAnswered(url: string, sql: string): Promise<unknown> {
  for (;;) {
    try {
      return await ask(url, sql);
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function mounts(): string {
  return readFileSync("/proc/self/mounts", "utf8");
}
