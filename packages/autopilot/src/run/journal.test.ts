import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  createJournal,
  isOpen,
  loadJournal,
  openMsats,
  parseJournal,
  printJournal,
  spentMsats,
  type Journal,
} from "./journal.ts";
import { DEFAULT_LIMITS } from "./run.ts";

const RUN = `run_${"0".repeat(32)}`;

const JOURNAL: Journal = {
  runId: RUN,
  createdAtMs: 1_790_000_000_000,
  request: {
    repo: "/srv/x",
    issue: { title: "t", body: "b" },
    agent: "codex",
    checks: ["npm test"],
    budgetMsats: 5_000_000n,
    attemptsMax: 3,
    secondOpinion: "any",
    payOn: "execution",
    fallback: "reserve",
    layers: true,
    allowScripts: false,
    limits: DEFAULT_LIMITS,
  },
  base: { commit: "c", tree: "t", origin: { repo: "/srv/x", head: "h" }, uncommitted: 2 },
  check: { commands: ["npm test"], toolchains: [{ name: "node", versionMin: "18" }], because: "it says so" },
  checkPaths: ["run.sh"],
  layers: [],
  attempts: [
    {
      agent: { kind: "finished", text: "done" },
      patchSha256: "ab".repeat(32),
      orders: [{ reserving: true, jobId: "job_x", failed: true }, {}],
    },
  ],
};

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "journal-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return join(dir, "run");
}

test("a journal is read as it was written", () => {
  assert.deepEqual(parseJournal(printJournal(JOURNAL)), JOURNAL);
});

test("a journal with anything unknown, missing or of another kind is refused by name", () => {
  const written = () => JSON.parse(printJournal(JOURNAL));
  for (const [name, change] of [
    ["journal.extra", (json: Record<string, unknown>) => Object.assign(json, { extra: 1 })],
    ["journal.version", (json: Record<string, unknown>) => Object.assign(json, { version: "2" })],
    ["journal.request.agent", (json: { request: Record<string, unknown> }) => delete json.request["agent"]],
    [
      "journal.request.budgetMsats",
      (json: { request: Record<string, unknown> }) => Object.assign(json.request, { budgetMsats: -1 }),
    ],
    [
      "journal.attempts[0].orders[1].jobId",
      (json: { attempts: { orders: object[] }[] }) =>
        Object.assign(json.attempts[0]?.orders[1] ?? {}, { jobId: 1 }),
    ],
  ] as const) {
    const json = written();
    change(json);
    assert.throws(() => parseJournal(JSON.stringify(json)), {
      code: "journal_invalid",
      message: new RegExp(name.replace(/[.[\]]/g, "\\$&")),
    });
  }
  assert.throws(() => parseJournal("{"), { code: "journal_invalid" });
});

test("what was saved is there for the next process, for its owner alone, and nothing half", async (t) => {
  const dir = await folder(t);
  const file = await createJournal(dir, JOURNAL);
  await file.saveAttempt({ feedback: "again" });
  await file.saveOrder({ closed: true });
  const loaded = (await loadJournal(dir, RUN)).current;
  assert.deepEqual(loaded, file.current);
  assert.equal(loaded.attempts[0]?.feedback, "again");
  assert.deepEqual(loaded.attempts[0]?.orders, [
    { reserving: true, jobId: "job_x", failed: true },
    { closed: true },
  ]);
  assert.deepEqual(await readdir(dir), ["journal.json"]);
  assert.equal((await stat(join(dir, "journal.json"))).mode & 0o077, 0);

  const text = await readFile(join(dir, "journal.json"), "utf8");
  await writeFile(join(dir, "journal.json"), text.slice(0, -20));
  await assert.rejects(loadJournal(dir, RUN), { code: "journal_invalid" });
  await assert.rejects(loadJournal(join(dir, "elsewhere"), RUN), { code: "run_not_here" });
});

test("what was spent is the sum over all attempts and orders", () => {
  const settlement = {
    jobId: "job_x",
    reservationId: "rsv_x",
    status: "released",
    payOn: "outcome",
    providerMsats: 100n,
    operatorFeeMsats: 10n,
    secondOpinionMsats: 1n,
    verificationReceiptId: "ver_x",
    settledAt: 0,
  } as const;
  const attempts = [{ orders: [{ settlement }, {}] }, { orders: [{ settlement }] }];
  assert.equal(spentMsats({ ...JOURNAL, attempts }), 222n);
});

test("who has lost the run writes nothing over what its successor wrote", async (t) => {
  const dir = await folder(t);
  const suspended = await createJournal(dir, { ...JOURNAL, epoch: 3n });
  await suspended.saveAttempt({ feedback: "of the third lease" });
  const successor = await loadJournal(dir, RUN);
  await successor.save({ epoch: 4n });
  await successor.saveAttempt({ feedback: "of the fourth lease" });
  const before = suspended.current;
  await assert.rejects(suspended.saveOrder({ closed: true }), { code: "executor_fenced" });
  assert.equal(suspended.current, before, "what is not on disk is not taken for saved");
  assert.deepEqual((await loadJournal(dir, RUN)).current, successor.current);
});

test("what is set aside is the money of each order that was asked for and neither settled nor closed", () => {
  const reservation = {
    reservationId: "rsv",
    org: "org",
    amountMsats: 70n,
    status: "reserved",
    createdAt: 0,
  } as const;
  const orders = [
    { reserving: true, reservation, closed: true },
    { reserving: true, reservation },
    { reservation },
    {},
  ];
  assert.deepEqual(orders.map(isOpen), [false, true, false, false]);
  assert.equal(openMsats({ ...JOURNAL, attempts: [{ orders }, { orders }] }), 140n);
});
