// Outside effects over a real socket: lost, late and repeated replies, and
// processes killed between every two steps.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { CommandReply } from "@openagents/contracts";
import { statement, type Database } from "@openagents/postgres";
import { manualClock, testDatabase, type ManualClock } from "@openagents/testing";
import {
  createAuthority,
  findIntent,
  startIntentWorker,
  type Authority,
  type IntentHandler,
} from "./index.ts";
import {
  KIND,
  METHOD,
  PRINCIPAL,
  payingHandler,
  startPayee,
  type Payee,
  type Stop,
} from "./intent-fixture.ts";
import { HOLD_MS } from "./intent.ts";

const NOW = 1_790_000_000_000;
const MIGRATIONS = [{ name: "authority", path: fileURLToPath(new URL("../migrations", import.meta.url)) }];

test("a command answers pending, acts once, and its replays give the outcome for ever, byte for byte", async (t) => {
  const world = await start(t);
  const first = await pay(world, "k1");
  assert.equal(first.status, 202);
  assert.equal((await pay(world, "k1")).body, first.body);
  executor(t, world);
  const intentId = JSON.parse(first.body).receipt_id;
  await until(world, async () => (await statusOf(world, intentId)) === "succeeded");
  const outcome = await pay(world, "k1");
  assert.equal(outcome.status, 201);
  assert.equal(outcome.replayed, true);
  assert.equal(JSON.parse(outcome.body).available_msats, 2);
  world.clock.advance(10 * 365 * 86_400_000);
  const restarted = createAuthority({ db: world.db, nowMs: world.clock.nowMs });
  assert.equal((await pay({ ...world, authority: restarted }, "k1")).body, outcome.body);
  assert.equal(world.payee.done.get(intentId), 1);
  assert.equal(await findIntent(world.db, "org_other", intentId), undefined);
});

test("32 callers of one key mean one effect", async (t) => {
  const world = await start(t);
  executor(t, world);
  const replies = await Promise.all(Array.from({ length: 32 }, () => pay(world, "k1")));
  const pending = replies.filter((reply) => reply.status === 202);
  assert.equal(new Set(pending.map((reply) => reply.body)).size, 1);
  const intentId = JSON.parse(pending[0]?.body ?? "{}").receipt_id;
  await until(world, async () => (await statusOf(world, intentId)) === "succeeded");
  assert.deepEqual([...world.payee.arrived.values()], [1]);
});

test("an error of the command leaves no intent, and the service's role rewrites no outcome", async (t) => {
  const world = await start(t);
  await assert.rejects(
    world.authority.execute(call("k1"), request(), async (command) => {
      command.intend({ kind: KIND, subject: "s", payload: {}, answers: true }, NOW);
      throw new Error("no");
    }),
  );
  assert.equal(await count(world.db, "intents"), 0n);
  await assert.rejects(
    world.db.query(statement("test.rewrite", "UPDATE authority.command_outcomes SET body = 'x'")),
    /permission denied/,
  );
});

test("a command without a key cannot wait for an outcome", async (t) => {
  const world = await start(t);
  await assert.rejects(
    world.authority.perform(call(""), async (command) => {
      command.intend({ kind: KIND, subject: "s", payload: {}, answers: true }, NOW);
      return { kind: "answer", output: output(""), writes: [] };
    }),
    /has no key/,
  );
});

for (const [fault, status] of [
  ["drop_request", "failed"],
  ["drop_reply", "succeeded"],
  ["reply_twice", "succeeded"],
] as const) {
  test(`with ${fault} it is sent once, asked about, and ${status}`, async (t) => {
    const world = await start(t);
    world.payee.faults.push(fault);
    const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
    executor(t, world);
    await until(world, async () => (await statusOf(world, intentId)) === status);
    assert.equal(world.payee.arrived.get(intentId), 1);
    assert.equal(world.payee.done.get(intentId) ?? 0, status === "succeeded" ? 1 : 0);
    const outcome = await pay(world, "k1");
    assert.equal(outcome.status, status === "succeeded" ? 201 : 409);
    if (status === "failed") assert.equal(JSON.parse(outcome.body).reason, "never_arrived");
  });
}

test("what is unknown is only asked about, however long nobody answers, and never sent again", async (t) => {
  const world = await start(t);
  world.payee.faults.push("drop_reply");
  world.payee.answersQuestions = false;
  const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
  executor(t, world);
  await until(world, async () => ((await find(world, intentId))?.attempts ?? 0) >= 8);
  assert.equal(await statusOf(world, intentId), "unknown");
  assert.equal((await pay(world, "k1")).status, 202);
  world.payee.answersQuestions = true;
  await until(world, async () => (await statusOf(world, intentId)) === "succeeded");
  assert.equal(world.payee.arrived.get(intentId), 1);
});

test("what certainly was not sent is sent later", async (t) => {
  const world = await start(t);
  const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
  let refusals = 3;
  const real = payingHandler(world.payee.url);
  const nobody = payingHandler(await addressOfNobody());
  executor(t, world, {
    ...real,
    act: (intent, signal) => (refusals-- > 0 ? nobody : real).act(intent, signal),
  });
  await until(world, async () => (await statusOf(world, intentId)) === "succeeded");
  assert.equal((await find(world, intentId))?.attempts, 4);
  assert.equal(world.payee.done.get(intentId), 1);
});

for (const stop of ["taken", "received", "replied", "concluding"] as const) {
  test(`killed at "${stop}", another process finds out and records it once`, async (t) => {
    const world = await start(t);
    const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
    await killAt(t, world, stop);
    assert.equal(await statusOf(world, intentId), "pending");
    executor(t, world);
    const status = stop === "taken" ? "failed" : "succeeded";
    await until(world, async () => (await statusOf(world, intentId)) === status);
    assert.equal(world.payee.arrived.get(intentId) ?? 0, stop === "taken" ? 0 : 1);
    assert.equal(world.payee.done.get(intentId) ?? 0, stop === "taken" ? 0 : 1);
    assert.equal(await count(world.db, "receipts"), 1n);
    assert.equal(await count(world.db, "command_outcomes"), 1n);
  });
}

test("a payment that arrives after it was asked about is not done any more", async (t) => {
  const world = await start(t);
  world.payee.faults.push("hold_request");
  const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
  executor(t, world);
  await until({ ...world, stepMs: 0 }, async () => world.payee.arrived.has(intentId));
  // The first executor still waits; its hold lapses, and a second one asks.
  world.clock.advance(HOLD_MS);
  executor(t, world);
  await until(world, async () => (await statusOf(world, intentId)) === "failed");
  world.payee.release();
  assert.equal(world.payee.done.has(intentId), false);
});

test("an executor that was overtaken records nothing", async (t) => {
  const world = await start(t);
  world.payee.faults.push("hold_reply");
  const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
  const late = Promise.withResolvers<void>();
  let recorded = false;
  const slow = payingHandler(world.payee.url);
  const first = executor(t, world, {
    ...slow,
    async act(intent, signal) {
      await slow.act(intent, signal);
      late.resolve();
      return { kind: "failed", reason: "wrong", detail: "What a confused executor would say." };
    },
    conclude(command, intent, effect) {
      recorded ||= effect.kind === "failed";
      return slow.conclude(command, intent, effect);
    },
  });
  await until({ ...world, stepMs: 0 }, async () => world.payee.arrived.has(intentId));
  world.clock.advance(HOLD_MS);
  executor(t, world);
  await until(world, async () => (await statusOf(world, intentId)) === "succeeded");
  const outcome = await pay(world, "k1");
  world.payee.release();
  await late.promise;
  await first[Symbol.asyncDispose]();
  assert.equal(recorded, false);
  assert.equal(await statusOf(world, intentId), "succeeded");
  assert.equal((await pay(world, "k1")).body, outcome.body);
});

test("four executors carry out forty intents once each, never more at once than they may", async (t) => {
  const world = await start(t);
  const replies = await Promise.all(Array.from({ length: 40 }, (_, index) => pay(world, `k${index}`)));
  const ids = replies.map((reply): string => JSON.parse(reply.body).receipt_id);
  for (let index = 0; index < 4; index += 1) executor(t, world, payingHandler(world.payee.url), 2);
  await until({ ...world, stepMs: 0 }, async () => {
    const found = await Promise.all(ids.map((id) => statusOf(world, id)));
    return found.every((status) => status === "succeeded");
  });
  assert.deepEqual(
    [...world.payee.arrived.values()],
    ids.map(() => 1),
  );
  assert.ok(world.payee.inFlight.max <= 8);
  assert.equal(await count(world.db, "receipts"), 40n);
});

test("an outcome that could not be recorded is asked about again, and recorded then", async (t) => {
  const world = await start(t);
  const intentId = JSON.parse((await pay(world, "k1")).body).receipt_id;
  const real = payingHandler(world.payee.url);
  let failures = 2;
  executor(t, world, {
    ...real,
    conclude(command, intent, effect) {
      if (failures-- > 0) throw new Error("the disk is full");
      return real.conclude(command, intent, effect);
    },
  });
  await until(world, async () => (await statusOf(world, intentId)) === "succeeded");
  assert.equal(world.payee.arrived.get(intentId), 1);
  assert.equal(await count(world.db, "receipts"), 1n);
});

test("a freeze sends nothing new, and what was begun is found out and recorded", async (t) => {
  const world = await start(t);
  world.payee.faults.push("drop_reply");
  world.payee.answersQuestions = false;
  const begun = JSON.parse((await pay(world, "k1")).body).receipt_id;
  const first = executor(t, world);
  await until(world, async () => (await statusOf(world, begun)) === "unknown");
  await first[Symbol.asyncDispose]();
  const waiting = JSON.parse((await pay(world, "k2")).body).receipt_id;
  await setMode(world, "read_only");
  world.payee.answersQuestions = true;
  executor(t, world);
  await until(world, async () => (await statusOf(world, begun)) === "succeeded");
  const sent = world.payee.arrived.has(waiting);
  await setMode(world, "active");
  await until(world, async () => (await statusOf(world, waiting)) === "succeeded");
  assert.equal(sent, false);
});

type World = {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly authority: Authority;
  readonly payee: Payee;
  readonly clock: ManualClock;
};

async function start(t: TestContext): Promise<World> {
  const clock = manualClock(NOW);
  const { db, url } = await testDatabase(t, { directories: MIGRATIONS });
  return {
    db,
    databaseUrl: url,
    authority: createAuthority({ db, nowMs: clock.nowMs }),
    payee: await startPayee(t),
    clock,
  };
}

/** The command under test: mean to pay, and answer pending. */
function pay({ authority }: World, key: string): Promise<CommandReply> {
  return authority.execute(call(key), request(), async (command) => {
    const draft = { kind: KIND, subject: "run_x", payload: { amount_msats: 1 }, answers: true };
    const { intentId } = command.intend(draft, command.nowMs());
    return { kind: "answer", status: 202, output: output(intentId), writes: [] };
  });
}

function executor(
  t: TestContext,
  world: World,
  handler: IntentHandler = payingHandler(world.payee.url),
  concurrencyMax = 4,
) {
  const worker = startIntentWorker({
    ...world,
    nowMs: world.clock.nowMs,
    handlers: [handler],
    principal: PRINCIPAL,
    onTrouble: () => undefined,
    lookEveryMs: 5,
    concurrencyMax,
  });
  t.after(async () => {
    world.payee.release();
    await worker[Symbol.asyncDispose]();
  });
  return worker;
}

/** An executor of its own process, killed where it stops. */
async function killAt(t: TestContext, world: World, stop: Stop): Promise<void> {
  const fixture = new URL("./intent-fixture.ts", import.meta.url).href;
  const args = [world.databaseUrl, world.payee.url, stop].map((each) => JSON.stringify(each)).join(", ");
  const script = `import(${JSON.stringify(fixture)}).then((m) => m.runExecutor(${args}, ${NOW}));`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes(`${stop}\n`)) break;
  }
  assert.ok(said.includes(`${stop}\n`), said);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** Where nobody listens, so that a connection is refused. */
async function addressOfNobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** Wait for a condition while the clock goes on. */
async function until(
  world: World & { readonly stepMs?: number },
  holds: () => Promise<boolean>,
): Promise<void> {
  while (!(await holds())) {
    world.clock.advance(world.stepMs ?? 1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function find({ db }: World, intentId: string) {
  return findIntent(db, "org_a", intentId);
}

async function statusOf(world: World, intentId: string) {
  return (await find(world, intentId))?.status;
}

async function count(db: Database, table: "intents" | "receipts" | "command_outcomes"): Promise<bigint> {
  const text = `SELECT count(*) AS n FROM authority.${table}`;
  const [row] = await db.query<{ n: bigint }>(statement(`test.count_${table}`, text));
  return row?.n ?? -1n;
}

async function setMode({ db }: World, mode: "active" | "read_only"): Promise<void> {
  await db.query(statement("test.set_mode", "UPDATE authority.mode SET mode = $1"), [mode]);
}

function request() {
  return { amountMsats: 1n, memo: "a" };
}

function output(receiptId: string) {
  return { org: "org_a", amountMsats: 1n, availableMsats: 1n, receiptId };
}

function call(idempotencyKey: string) {
  return {
    principal: { ...PRINCIPAL, id: "usr_a", kind: "user" as const, org: "org_a" },
    requestId: "req_test",
    signal: new AbortController().signal,
    method: METHOD,
    idempotencyKey,
  };
}
