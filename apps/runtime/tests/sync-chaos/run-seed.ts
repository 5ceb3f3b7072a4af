// One seed: commands pour in while its troubles happen, and afterwards every
// client holds what the authority holds.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ProblemError, Treasury, createClient } from "@openagents/contracts";
import { runtimeReaders, startSyncClient, type SyncClient } from "@openagents/spacetime";
import { CHAIN_START, chainStream, streamId } from "@openagents/streams";
import { seededRandom } from "@openagents/testing";
import type { ClientProcessOptions } from "./client-process.ts";
import { describeStatus } from "./describe-status.ts";
import { openEffects, type Effect, type Effects } from "./effects.ts";
import { scheduleOf, type Schedule, type Trouble } from "./schedule.ts";
import { shakySocket } from "./shaky-socket.ts";
import { runtimeToken, syncToken } from "./tokens.ts";
import type { World } from "./world.ts";

const ORGS = 2;
const HANDS = 4;
const CAUGHT_UP_MS_MAX = 90_000;
const CLIENT_MAIN = fileURLToPath(new URL("client-process.ts", import.meta.url));

type Org = { readonly org: string; readonly streamId: string };

/** Rejects when a client and the authority differ, or when a client does not come to the end. */
export async function runSeed(world: World, seed: number): Promise<void> {
  const schedule = scheduleOf(seed);
  const orgs = Array.from({ length: ORGS }, (_, index) => {
    const org = `org_chaos_${seed}_${index}`;
    return { org, streamId: streamId("treasury", org) };
  });
  await using parts = new AsyncDisposableStack();
  const apart = parts.use(startClientProcess(world, schedule, orgs));
  const shaky = parts.use(startShakyClient(world, schedule, orgs));

  await pour(world, schedule, orgs, async (trouble) => {
    world.way.narrow(undefined);
    await TROUBLES[trouble](world, apart);
  });
  world.way.narrow(undefined);

  const log = new Map<string, Effect[]>();
  for (const { org, streamId } of orgs) {
    const events = await logOf(world, streamId);
    // The authority itself did each command once.
    assert.equal(events.length, commandsOf(schedule, orgs, org), `${org}: commands and events`);
    log.set(streamId, events);
  }
  const clients = [apart, shaky];
  await until(
    () => clients.every(({ effects }) => orgs.every((one) => isAtEnd(effects, one, log))),
    () => `${JSON.stringify(schedule)}: ${clients.map((client) => client.describe()).join("; ")}`,
  );
  for (const { streamId } of orgs) {
    const events = log.get(streamId) ?? [];
    const chain = events.reduce((sum, { seq, hash }) => chainStream(sum, seq, hash), CHAIN_START);
    for (const { effects } of clients) {
      assert.deepEqual(effects.list(streamId), events);
      assert.equal(effects.checkpoint(streamId)?.chainHash, chain);
    }
    const proof = await shaky.client.proveComplete(streamId);
    assert.deepEqual([proof.kind, proof.seq], ["complete", BigInt(events.length)]);
  }
}

const TROUBLES: Readonly<Record<Trouble, (world: World, apart: ClientProcess) => Promise<void> | void>> = {
  kill_runtime: (world) => world.killRuntime(),
  kill_sync: (world) => world.killSync(),
  kill_database: (world) => world.killDatabase(),
  kill_client: (_world, apart) => apart.killAndRestart(),
  cut: (world) => world.way.cut(),
  narrow: (world) => world.way.narrow(20_000),
  other_server: (world) => world.leadElsewhere(),
};

// ---- the load

function commandsOf({ commands }: Schedule, orgs: readonly Org[], org: string): number {
  return Array.from({ length: commands }, (_, number) => orgs[number % orgs.length]?.org).filter(
    (one) => one === org,
  ).length;
}

/** Give every command until it is acknowledged, always under its own key, and make trouble in between. */
async function pour(
  world: World,
  schedule: Schedule,
  orgs: readonly Org[],
  make: (trouble: Trouble) => Promise<void>,
): Promise<void> {
  const troubles = [...schedule.troubles];
  let making: Promise<void> = Promise.resolve();
  let next = 0;
  let acknowledged = 0;

  async function hand(): Promise<void> {
    while (next < schedule.commands) {
      const number = next;
      next += 1;
      const { org } = orgs[number % orgs.length] ?? { org: "" };
      await give(world, org, `chaos-${schedule.seed}-${number}`);
      acknowledged += 1;
      while (troubles[0] !== undefined && acknowledged >= troubles[0].atCommand) {
        const { trouble } = troubles.shift() ?? { trouble: "cut" };
        making = making.then(() => make(trouble));
      }
    }
  }

  await Promise.all(Array.from({ length: HANDS }, hand));
  await making;
}

async function give(world: World, org: string, idempotencyKey: string): Promise<void> {
  const treasury = createClient(Treasury, {
    baseUrl: world.runtimeUrl,
    token: () => runtimeToken(world.keys.private, "org_operator"),
    attemptsMax: 1,
    timeoutMs: 5_000,
  });
  for (;;) {
    try {
      await treasury.grantDemoCredit({ org, amountMsats: 1n, memo: "" }, { idempotencyKey });
      return;
    } catch (error) {
      // In flight, unreachable, or its database away: the same command again.
      const again = error instanceof ProblemError && (error.status === 409 || error.status >= 500);
      if (!again) throw error;
      await delay(25);
    }
  }
}

async function logOf(world: World, streamId: string): Promise<Effect[]> {
  const text =
    "SELECT seq, payload_hash AS hash, payload FROM sync.stream_events WHERE stream_id = $1 ORDER BY seq";
  for (;;) {
    try {
      return await world.db.query<Effect>({ name: "chaos.log", text }, [streamId]);
    } catch {
      await delay(50);
    }
  }
}

// ---- the clients

type Client = { readonly effects: Effects; describe(): string };
type ClientProcess = Client & AsyncDisposable & { killAndRestart(): Promise<void> };

function startClientProcess(world: World, schedule: Schedule, orgs: readonly Org[]): ClientProcess {
  const file = join(world.folder, `effects-${schedule.seed}.db`);
  const options: ClientProcessOptions = {
    url: world.way.url,
    file,
    streams: orgs.map(({ streamId }) => streamId),
    key: world.keys.private,
    tokenLifeS: schedule.tokenLifeS,
  };
  const effects = openEffects(file);
  let told = "";
  let child = start();

  function start() {
    const argv = ["--disable-warning=ExperimentalWarning", CLIENT_MAIN, JSON.stringify(options)];
    const started = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    started.stdout.on("data", (line: Buffer) => (told = String(line)));
    return started;
  }

  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  return {
    effects,
    describe: () => `apart: ${child.exitCode ?? child.signalCode ?? told}`,
    async killAndRestart() {
      await end("SIGKILL");
      child = start();
    },
    async [Symbol.asyncDispose]() {
      await end("SIGTERM");
      effects[Symbol.dispose]();
    },
  };
}

function startShakyClient(
  world: World,
  schedule: Schedule,
  orgs: readonly Org[],
): Client & AsyncDisposable & { readonly client: SyncClient } {
  const random = seededRandom(schedule.seed + 1_000_000);
  const effects = openEffects(join(world.folder, `shaky-${schedule.seed}.db`));
  const client = startSyncClient({
    url: world.way.url,
    token: () =>
      syncToken(
        world.keys.private,
        orgs.map(({ streamId }) => streamId),
        schedule.tokenLifeS,
      ),
    checkpoints: { savedBy: "handler", load: (streamId) => Promise.resolve(effects.checkpoint(streamId)) },
    openSocket: shakySocket(random, schedule),
    async readDigest(streamId, seq) {
      const org = orgs.find((one) => one.streamId === streamId)?.org ?? "";
      const readers = runtimeReaders({
        baseUrl: world.runtimeUrl,
        token: () => runtimeToken(world.keys.private, org),
      });
      return readers.readDigest(streamId, seq);
    },
  });
  for (const { streamId } of orgs) client.follow({ streamId, apply: (batch) => effects.apply(batch) });
  return {
    client,
    effects,
    describe: () => `shaky: ${describeStatus(client.status)}`,
    async [Symbol.asyncDispose]() {
      await client.stop();
      effects[Symbol.dispose]();
    },
  };
}

function isAtEnd(effects: Effects, { streamId }: Org, log: ReadonlyMap<string, readonly Effect[]>): boolean {
  return (effects.checkpoint(streamId)?.seq ?? 0n) >= BigInt(log.get(streamId)?.length ?? 0);
}

async function until(condition: () => boolean, describe: () => string): Promise<void> {
  const giveUpAtMs = performance.now() + CAUGHT_UP_MS_MAX;
  while (!condition()) {
    if (performance.now() > giveUpAtMs) throw new Error(`a client did not come to the end. ${describe()}`);
    await delay(10);
  }
}
