import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { JsonObject, RunEvent } from "@openagents/contracts";
import { patchFile, sha256Of } from "./run-files.ts";
import { keepForOthers, portable } from "./handover.ts";
import { takeOver } from "./take-over.ts";
import { loadJournal, printJournal, type Attempt, type Journal } from "./journal.ts";
import { PROVEN, QUOTE, RESERVATION, RUN_ID, SETTLEMENT, sessionOn } from "./order-fixture.ts";

const PATCH = Buffer.from("a patch\n");
const TURN = { kind: "finished", text: "done" } as const;
const MADE: Attempt = { agent: TURN, patchSha256: sha256Of(PATCH), patchTold: true, orders: [] };

test("a turn whose patch is not kept has not been, elsewhere; one whose patch is, has", async (t) => {
  const { session } = await sessionOn(t, { attempts: [MADE, { agent: TURN, orders: [] }] });
  const { attempts } = portable(session.journal.current);
  assert.deepEqual(attempts, [MADE, { orders: [] }]);
});

test("what was quoted may have been reserved, unless it is settled or given back; what is of one machine stays there", async (t) => {
  const orders = [
    { quote: QUOTE, closed: true },
    { quote: QUOTE, reserving: true, reservation: RESERVATION, verification: PROVEN, settlement: SETTLEMENT },
    { quote: QUOTE },
  ];
  const { session } = await sessionOn(t, { attempts: [{ ...MADE, orders }] });
  const own = { epoch: 3n, kept: "x", branch: "b", bundleDir: "/srv/b", done: true };
  const kept = portable({ ...session.journal.current, ...own });
  assert.deepEqual(
    kept.attempts[0]?.orders.map(({ reserving }) => reserving),
    [undefined, true, true],
  );
  for (const name of Object.keys(own)) assert.ok(!(name in kept), name);
});

test("a journal is told once while nothing is new, and is stored before it is told", async (t) => {
  const { session } = await sessionOn(t, { attempts: [{ orders: [] }] });
  const done: string[] = [];
  const uploads = {
    has: () => false,
    async put(data: Buffer) {
      done.push("put");
      return sha256Of(data);
    },
  };
  const log = {
    ...session.log,
    async append(eventType: string) {
      done.push(eventType);
    },
  };
  const telling = { ...session, uploads, log };
  await keepForOthers(telling);
  await keepForOthers(telling);
  assert.deepEqual(done, ["put", "journal.kept"]);
  await telling.journal.save({ attempts: [{ orders: [{ quote: QUOTE }] }] });
  await keepForOthers(telling);
  assert.deepEqual(done, ["put", "journal.kept", "put", "journal.kept"]);
});

test("the log names the journal's base, layers and patches, so that they are kept with it", async (t) => {
  const bundleSha256 = "b".repeat(64);
  const layers = [{ kind: "npm", sha256: "c".repeat(64), path: "node_modules", toolchains: [] }] as const;
  const { session } = await sessionOn(t, { attempts: [MADE, { orders: [] }] });
  await session.journal.save({ bundleSha256, layers });
  let told: JsonObject = {};
  const log = {
    ...session.log,
    async append(_eventType: string, payload: JsonObject) {
      told = payload;
    },
  };
  const uploads = { has: () => true, put: async (data: Buffer) => sha256Of(data) };
  await keepForOthers({ ...session, log, uploads });
  assert.deepEqual(told["inputs"], [bundleSha256, "c".repeat(64), sha256Of(PATCH)]);
});

test("the latest journal of a later lease is taken over, in place of an older one; bytes that differ are refused", async (t) => {
  const { session } = await sessionOn(t, { attempts: [{ orders: [] }] });
  const { folder, journal } = session;
  const stored = new Map<string, Buffer>();
  const keep = (attempts: readonly Attempt[]) => {
    const bytes = Buffer.from(printJournal(portable({ ...journal.current, attempts } as Journal)));
    stored.set(sha256Of(bytes), bytes);
    return sha256Of(bytes);
  };
  stored.set(sha256Of(PATCH), PATCH);
  const events = [
    [keep([{ orders: [] }]), 1],
    [keep([MADE]), 2],
    ["of another's event", "3"],
  ].map(([sha256 = "", epoch = 0], index): RunEvent => ({
    seq: BigInt(index + 1),
    eventType: "journal.kept",
    payload: { sha256, epoch },
    payloadHash: "",
    recordedAt: 0,
  }));
  const clients = {
    ...session.clients,
    runs: {
      ...session.clients.runs,
      async listRunEvents({ afterSeq = 0n }) {
        return { events: events.slice(Number(afterSeq), Number(afterSeq) + 1), latestSeq: 3n };
      },
    },
    artifacts: {
      ...session.clients.artifacts,
      async getArtifact({ sha256 }: { readonly sha256: string }) {
        return { contentType: "", data: new Uint8Array(stored.get(sha256) ?? Buffer.from("other")) };
      },
    },
  };
  const elsewhere = { ...session, clients };
  await writeFile(patchFile(folder, 9), "of an older state");
  assert.equal(await takeOver(elsewhere, 2n), false, "nothing is newer");
  assert.equal(await takeOver(elsewhere, 1n), true);
  const { current } = await loadJournal(folder, RUN_ID);
  assert.deepEqual(current.attempts, [MADE]);
  await assert.rejects(writeFileIfThere(patchFile(folder, 9)), { code: "ENOENT" });

  const forked = { ...events[0], eventType: "run.forked", payload: {} } as RunEvent;
  const asFork = {
    ...session.clients.runs,
    listRunEvents: async () => ({ events: [...events.slice(0, 2), forked], latestSeq: 1n }),
  };
  const ofFork = { ...elsewhere, clients: { ...clients, runs: asFork } };
  assert.equal(await takeOver(ofFork, 0n), false, "what a fork shares is another run's");

  stored.delete(sha256Of(PATCH));
  await assert.rejects(takeOver(elsewhere, 1n), { code: "handover_damaged" });
  await assert.rejects(loadJournal(folder, RUN_ID), { code: "run_not_here" }, "half of it is nothing");
});

async function writeFileIfThere(path: string): Promise<void> {
  await writeFile(path, "", { flag: "r+" });
}
