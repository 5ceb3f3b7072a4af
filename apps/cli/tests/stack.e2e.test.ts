// The life of a stack from the command line, on real processes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Runs, createClient } from "@openagents/contracts";
import { freshHome, isRunning, postmasterOf } from "./openagents.ts";

test("a stack starts in the background, serves, refuses a second on its folder, and stops with nothing left", async (t) => {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0", "--json"]);
  assert.equal(up.code, 0, up.err);
  const record = JSON.parse(up.out);
  assert.equal(isRunning(record.pid), true);
  assert.equal(statSync(join(home.folder, "stack.json")).mode & 0o777, 0o600);
  const postmaster = postmasterOf(home);

  const status = JSON.parse((await home.run(["status", "--json"])).out);
  assert.equal(status.running, true);
  assert.deepEqual(status.services, [
    { name: "runtime", url: record.runtime_url, healthy: true, ready: true },
    { name: "sync", url: record.sync_url, healthy: true, ready: true },
    { name: "control", url: record.control_url, healthy: true, ready: true },
  ]);
  assert.equal(status.balances.available_msats, 0);

  const second = await home.run(["up", "--port-base", "0"]);
  assert.equal(second.code, 1);
  assert.match(
    second.err,
    new RegExp(`already running .*pid ${record.pid}.*openagents status.*stack_running`),
  );
  const secondDetached = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(secondDetached.code, 1);
  assert.match(secondDetached.err, /stack_running/);

  const token = (await home.run(["token", "--scope", "runs:read"])).out.trim();
  const { runs } = await createClient(Runs, { baseUrl: record.runtime_url, token }).listRuns({});
  assert.deepEqual(runs, []);
  assert.match((await home.run(["ledger", "audit"])).out, /holds/);

  assert.equal((await home.run(["freeze"])).code, 0);
  const frozen = await home.run(["demo"]);
  assert.equal(frozen.code, 1, "what cannot begin says so, and does not wait");
  assert.match(frozen.err, /frozen.*openagents unfreeze.*writes_frozen/);
  assert.equal((await home.run(["unfreeze"])).code, 0);

  assert.equal((await home.run(["down"])).code, 0);
  assert.equal(isRunning(record.pid), false);
  assert.equal(isRunning(postmaster), false);
  assert.equal(existsSync(join(home.folder, "stack.json")), false);
  const again = await home.run(["down"]);
  assert.deepEqual([again.code, /nothing is running/.test(again.out)], [0, true]);
});

test("Ctrl-C ends a stack in the foreground cleanly", async (t) => {
  const home = freshHome(t);
  const up = home.start(["up", "--port-base", "0"]);
  await up.waitFor(/Ctrl-C stops it/);
  const postmaster = postmasterOf(home);
  up.child.kill("SIGINT");
  const { code, out } = await up.ended;
  assert.equal(code, 0);
  assert.match(out, /runtime +http:\/\/127\.0\.0\.1:\d+/);
  assert.equal(isRunning(postmaster), false);
  assert.equal(existsSync(join(home.folder, "stack.json")), false);
});

test("Ctrl-C reaches the stack's whole process group, and the stack still ends in its own order", async (t) => {
  const home = freshHome(t);
  const up = home.start(["up", "--port-base", "0"], { ownGroup: true });
  await up.waitFor(/Ctrl-C stops it/);
  const before = readFileSync(join(home.folder, "postgres.log"), "utf8").length;
  // As a terminal does it: to every process of the foreground group.
  process.kill(-Number(up.child.pid), "SIGINT");
  assert.equal((await up.ended).code, 0);
  const log = readFileSync(join(home.folder, "postgres.log"), "utf8").slice(before);
  assert.doesNotMatch(log, /terminating connection due to administrator command/);
});

test("a connection that never asks anything does not hold up the end", async (t) => {
  const home = freshHome(t);
  const record = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
  const socket = connect(Number(new URL(record.runtime_url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const down = JSON.parse((await home.run(["down", "--json"])).out);
  assert.deepEqual([down.outcome, down.pid], ["stopped", record.pid]);
  socket.destroy();
});

test("two stacks run side by side, each with its own keys and data", async (t) => {
  const [one, two] = [freshHome(t), freshHome(t)];
  const [first, second] = await Promise.all([
    one.run(["up", "-d", "--port-base", "0", "--json"]),
    two.run(["up", "-d", "--port-base", "0", "--json"]),
  ]);
  const [a, b] = [JSON.parse(first.out), JSON.parse(second.out)];
  assert.notEqual(a.runtime_url, b.runtime_url);
  assert.notEqual(a.operator_public_key, b.operator_public_key);
  const foreign = (await one.run(["token"])).out.trim();
  await assert.rejects(createClient(Runs, { baseUrl: b.runtime_url, token: foreign }).listRuns({}), {
    code: "token_invalid",
  });
  await createRun(a.runtime_url, foreign);
  assert.equal(JSON.parse((await two.run(["runs", "list", "--json"])).out).runs.length, 0);
  assert.equal((await one.run(["down"])).code, 0);
  assert.equal(JSON.parse((await two.run(["status", "--json"])).out).services[0].ready, true);
});

test("after kill -9 of the stack and all of its database, the next start has everything that was acknowledged", async (t) => {
  const home = freshHome(t);
  const first = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
  const runIds: string[] = [];
  const token = (await home.run(["token"])).out.trim();
  for (let index = 0; index < 20; index += 1) runIds.push(await createRun(first.runtime_url, token));
  const postmaster = postmasterOf(home);
  process.kill(first.pid, "SIGKILL");
  process.kill(postmaster, "SIGKILL");

  const second = await home.run(["up", "-d", "--port-base", "0", "--json"]);
  assert.equal(second.code, 0, second.err);
  const listed = JSON.parse((await home.run(["runs", "list", "--limit", "50", "--json"])).out);
  assert.deepEqual(listed.runs.map((run: { run_id: string }) => run.run_id).sort(), runIds.sort());
  assert.equal(JSON.parse((await home.run(["ledger", "audit", "--json"])).out).ok, true);
});

test("a database whose stack was killed is gone after down, and taken over by up", async (t) => {
  const home = freshHome(t);
  for (const next of ["down", "up"] as const) {
    const record = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
    const orphan = postmasterOf(home);
    process.kill(record.pid, "SIGKILL");
    assert.equal(JSON.parse((await home.run(["status", "--json"])).out).running, false);
    const { code, err } = await home.run(next === "down" ? ["down"] : ["up", "-d", "--port-base", "0"]);
    assert.equal(code, 0, err);
    assert.equal(isRunning(orphan), false);
    assert.equal(existsSync(join(home.folder, "postgres", "postmaster.pid")), next === "up");
  }
});

test("a port in use stops the start with its number, and leaves nothing running", async (t) => {
  const home = freshHome(t);
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  for (const extra of [[], ["--detach"]]) {
    const up = await home.run(["up", "--port-base", String(address.port), ...extra]);
    assert.equal(up.code, 1);
    assert.match(up.err, new RegExp(`port ${address.port}.*in use.*--port-base.*port_in_use`));
  }
  assert.match((await home.run(["down"])).out, /nothing is running/);
});

test("a stack starts in a folder with spaces, under a parent that only we may enter", async (t) => {
  const home = freshHome(t);
  const parent = mkdtempSync(join(tmpdir(), "oa e2e "));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const dataDir = join(parent, "my data");
  const up = await home.run(["up", "-d", "--port-base", "0", "--data-dir", dataDir]);
  assert.equal(up.code, 0, up.err);
  assert.match((await home.run(["status", "--data-dir", dataDir])).out, /ready/);
  assert.equal((await home.run(["down", "--data-dir", dataDir])).code, 0);
});

async function createRun(baseUrl: string, token: string): Promise<string> {
  const { run } = await createClient(Runs, { baseUrl, token }).createRun({ metadata: {} });
  return run.runId;
}
