// A stack whose runtime, database, providers and command line are processes that
// a test kills at chosen steps of a run, and what must hold of it afterwards.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { Treasury, createClient } from "@openagents/contracts";
import { dataDirAt, loadKeys, localOwner, localProvider, mintToken } from "@openagents/stack";
import { putDoor, type Door, type Passing } from "./door.ts";
import { STEPS, type Call, type Side, type Step } from "./kill-steps.ts";
import { freshHome, isRunning, postmasterOf, until, type Home, type Started } from "./openagents.ts";
import { FIX, smallProject, type Project } from "./small-project.ts";

export type Victim = "runtime" | "database" | "provider" | "cli";

/** Dozens of restarts; minutes on a quiet machine. */
export const ROW_MS_MAX = 1_200_000;

/** One row of the matrix. All but the command line's kill what others use, so they go step by step. */
export async function killAtEveryStep(
  t: TestContext,
  victim: Victim,
  steps: readonly Step[] = STEPS,
): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const matrix = parts.use(await openMatrix(t, victim));
  if (victim === "cli") {
    // Together, because each waits for the dead one's lease to lapse.
    const ends = await Promise.allSettled(steps.map((step) => matrix.runWith(step)));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  } else for (const step of steps) await matrix.runWith(step);
  await matrix.assertBooks();
}

/** The sides that differ for a victim: a provider remembers nothing of a job from one start to the next. */
function sidesOf(victim: Victim, { sides }: Step): readonly Side[] {
  return victim === "provider" ? sides.slice(-1) : sides;
}

type Matrix = AsyncDisposable & {
  /** A run whose victim is killed at the step, brought to its end and looked at. */
  runWith(step: Step): Promise<void>;
  /** What must hold after all of them. */
  assertBooks(): Promise<void>;
};

const CREDIT_MSATS = 1_000_000_000;
const PROVIDERS_MAIN = fileURLToPath(new URL("providers-process.ts", import.meta.url));
const ENDED = new Set(["succeeded", "failed", "canceled", "needs_review"]);
/** A run is killed twice at most, and may stop by itself each time. */
const RESUMED_MAX = 6;
/** The embedded server is not started again after five deaths within a minute of each other. */
const DEATHS_MAX = 4;

type Scenario = {
  readonly step: Step;
  readonly waiting: Side[];
  /** What to kill when it is the command line. */
  command: Started | undefined;
  runId: string;
};

async function openMatrix(t: TestContext, victim: Victim): Promise<Matrix> {
  const home = freshHome(t);
  await using parts = new AsyncDisposableStack();
  await up(home);
  const door = parts.use(await putDoor(home.folder));
  const granted = await credit(home);
  await watchLog(home);
  let providers = await startProviders(home);
  parts.defer(() => void providers.kill("SIGKILL"));
  const project = smallProject(t);
  const script = project.script(FIX);
  const scenarios = new Map<string, Scenario>();
  let spentMsats = 0;
  let deaths = 0;
  let repair: Promise<void> = Promise.resolve();

  /** Kill at once, and begin to start again what does not by itself. */
  const strike = ({ command }: Scenario) => {
    switch (victim) {
      case "cli":
        command?.child.kill("SIGKILL");
        return;
      case "provider":
        providers.kill("SIGKILL");
        repair = once(providers, "exit").then(async () => {
          providers = await startProviders(home);
        });
        return;
      case "database":
        deaths += 1;
        process.kill(postmasterOf(home), "SIGKILL");
        return;
      case "runtime": {
        const { pid } = JSON.parse(readFileSync(join(home.folder, "stack.json"), "utf8"));
        process.kill(pid, "SIGKILL");
        repair = until(() => !isRunning(pid)).then(() => upAgain(home, door));
      }
    }
  };
  listenAt(door, scenarios, (scenario, side) => {
    strike(scenario);
    const isCallers = victim === (scenario.step.by === "cli" ? "cli" : "provider");
    // A database that dies while the runtime has the command is the runtime's trouble to tell.
    return victim === "runtime" || isCallers || (victim === "database" && side === "after");
  });
  const moved = parts.move();

  return {
    async runWith(step) {
      // A run takes the providers over when they die, until it ends.
      await until(() => sellingPid(home) === providers.pid);
      const title = `add() subtracts: ${step.name}`;
      const scenario: Scenario = { step, waiting: [...sidesOf(victim, step)], command: undefined, runId: "" };
      scenarios.set(title, scenario);
      const order = ["--repo", project.repo, "--issue", `${title}\n\nadd(1, 2) must be 3.`];
      scenario.command = home.start(["run", ...order, "--agent", `script:${script}`, "--json"]);
      const result = await toItsEnd(home, scenario, () => repair);
      assert.deepEqual(scenario.waiting, [], `${step.name} did not come by`);
      await assertEnded(home, project, step.name, result);
      spentMsats += result.spent_msats;
      if (victim === "database" && deaths + 2 > DEATHS_MAX) {
        deaths = 0;
        await home.run(["down"]);
        await upAgain(home, door);
      }
      // The checkpoint that is kept now is the one from before the next kill.
      if (victim !== "cli") await watchLog(home);
    },
    async assertBooks() {
      const audit = await home.run(["ledger", "audit", "--json"]);
      assert.equal(JSON.parse(audit.out).ok, true, audit.out);
      await watchLog(home);
      await assertMoneyAgrees(home, granted, spentMsats);
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Look at each call: whose it is, and whether somebody is to be killed at it. */
function listenAt(
  door: Door,
  scenarios: ReadonlyMap<string, Scenario>,
  strike: (scenario: Scenario, side: Side) => boolean,
): void {
  const runs = new Map<string, Scenario>();
  const ordered = new Set<string>();
  const leases = new Map<string, { readonly runId: string; readonly jobId: string }>();
  const look = (passing: Passing, side: Side): boolean => {
    const claimed = claimOf(passing);
    if (claimed !== undefined) leases.set(claimed.leaseId, claimed);
    const [leaseId = ""] = /lease_[0-9a-f]{32}/.exec(passing.path + passing.body) ?? [];
    const leased = claimed ?? leases.get(leaseId);
    const [named] = /run_[0-9a-f]{32}/.exec(`${passing.path} ${passing.key}`) ?? [];
    const scenario = runs.get(leased?.runId ?? named ?? "");
    if (scenario === undefined || scenario.waiting[0] !== side) return false;
    const isSecond = leased !== undefined && !ordered.has(leased.jobId);
    const call: Call = { ...passing, isSecond };
    const isProviders = leased !== undefined;
    if (isProviders !== (scenario.step.by === "provider") || !scenario.step.is(call)) return false;
    scenario.waiting.shift();
    return strike(scenario, side);
  };
  door.onAsked = (passing) => look(passing, "before");
  door.onAnswered = (passing) => {
    const { method, path, body, reply = "" } = passing;
    if (method === "POST" && path.endsWith("/v1/runs")) {
      const scenario = scenarios.get(JSON.parse(body).issue?.title);
      const { run } = JSON.parse(reply);
      if (scenario !== undefined && run !== undefined) {
        scenario.runId = run.run_id;
        runs.set(run.run_id, scenario);
      }
    }
    if (path.endsWith("/dispatch/sandbox-run")) ordered.add(JSON.parse(reply).job?.job_id);
    return look(passing, "after");
  };
}

function claimOf({ path, reply }: Passing) {
  if (!path.endsWith("/jobs/claim") || reply === undefined) return undefined;
  const { job, lease } = JSON.parse(reply);
  if (job === undefined || lease === undefined) return undefined;
  return { leaseId: String(lease.lease_id), runId: String(job.run_id), jobId: String(job.job_id) };
}

type Result = {
  readonly run_id: string;
  readonly state: string;
  readonly verdict: string | null;
  readonly attempts: number;
  readonly reserved_msats: number;
  readonly spent_msats: number;
  readonly bundle_dir: string;
  readonly branch: string;
};

/** Resume it as often as it was killed, or stopped because what it needs was away. */
async function toItsEnd(home: Home, scenario: Scenario, repaired: () => Promise<void>): Promise<Result> {
  const told: string[] = [];
  for (let resumed = 0; resumed <= RESUMED_MAX; resumed += 1) {
    const { out = "", err = "" } = (await scenario.command?.ended) ?? {};
    told.push(err + out);
    await repaired();
    const result = out.startsWith("{") ? JSON.parse(out) : undefined;
    if (ENDED.has(result?.state)) return result;
    assert.notEqual(scenario.runId, "", `no run was opened: ${err}`);
    scenario.command = home.start(["run", "--resume", scenario.runId, "--json"]);
  }
  throw new Error(`${scenario.step.name}: the run does not end:\n${told.join("\n")}`);
}

/** Whatever was killed: one turn, one patch, one payment, one end. */
const ONCE = ["issue.claimed", "agent.tool_call", "patch.made", "payment.released", "run.finished"] as const;

async function assertEnded(home: Home, project: Project, name: string, result: Result): Promise<void> {
  const { run_id: runId, state, verdict, attempts, reserved_msats: reserved } = result;
  const facts = JSON.stringify(result);
  assert.deepEqual([state, verdict, attempts, reserved], ["succeeded", "proven", 1, 0], `${name}: ${facts}`);
  const { events } = JSON.parse((await home.run(["runs", "show", runId, "--json"])).out);
  const of = (type: string) => events.filter((event: { event_type: string }) => event.event_type === type);
  const story = JSON.stringify(events, undefined, 1);
  for (const type of ONCE) assert.equal(of(type).length, 1, `${name}: ${type} in ${story}`);
  // An order may have come to nothing: its quote expired, or nobody could do it. Its price was paid to nobody.
  const [withheld, voided] = [of("payment.withheld"), of("budget.voided")];
  assert.equal(of("budget.reserved").length, 1 + withheld.length + voided.length, `${name}: ${story}`);
  for (const { payload } of withheld) assert.equal(payload.amount_msats, 0, `${name}: ${story}`);
  const paid = [...of("payment.released"), ...withheld]
    .map(({ payload }) => payload.amount_msats + payload.second_opinion_msats + payload.operator_fee_msats)
    .reduce((sum, msats) => sum + msats, 0);
  assert.equal(paid, result.spent_msats, `${name}: what was settled is what the run says it cost`);
  assert.equal(project.git("rev-list", "--count", `main..${result.branch}`).trim(), "1", name);
  const verified = await home.run(["verify", result.bundle_dir]);
  assert.equal(verified.code, 0, `${name}: ${verified.out}`);
}

async function assertMoneyAgrees(home: Home, grantedMsats: number, spentMsats: number): Promise<void> {
  const keys = loadKeys(dataDirAt(home.folder));
  const owner = localOwner(keys);
  const [buyer, ...sellers] = await Promise.all(
    [owner, localProvider("a"), localProvider("b")].map(({ org }) => summaryOf(home, org)),
  );
  assert.ok(buyer !== undefined);
  assert.deepEqual([buyer.reservedMsats, buyer.spentMsats], [0n, BigInt(spentMsats)]);
  assert.equal(buyer.availableMsats, BigInt(grantedMsats - spentMsats));
  const earned = [buyer, ...sellers].reduce((sum, each) => sum + each.earnedMsats, 0n);
  assert.ok(earned > 0n && earned < BigInt(spentMsats), `${earned} of ${spentMsats}`);
}

async function summaryOf(home: Home, org: string) {
  const token = await mintToken(loadKeys(dataDirAt(home.folder)), { org }, Date.now());
  return createClient(Treasury, { baseUrl: addressOf(home), token }).getComputeSummary({});
}

function addressOf(home: Home): string {
  return JSON.parse(readFileSync(join(home.folder, "stack.json"), "utf8")).runtime_url;
}

/** More than all runs cost, so that none of them takes more. */
async function credit(home: Home): Promise<number> {
  const token = await mintToken(loadKeys(dataDirAt(home.folder)), {}, Date.now());
  const treasury = createClient(Treasury, { baseUrl: addressOf(home), token });
  await treasury.grantDemoCredit({ amountMsats: BigInt(CREDIT_MSATS), memo: "kill matrix" });
  return CREDIT_MSATS;
}

async function watchLog(home: Home): Promise<void> {
  const { code, out, err } = await home.run(["log", "watch", "--once"]);
  assert.equal(code, 0, out + err);
}

async function up(home: Home): Promise<void> {
  const { code, err } = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(code, 0, err);
}

async function upAgain(home: Home, door: Door): Promise<void> {
  await up(home);
  door.putAgain();
}

/** As a process of their own; answers when all are registered. */
async function startProviders(home: Home): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROVIDERS_MAIN, home.folder], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, OPENAGENTS_HOME: home.folder },
  });
  const registered = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  assert.ok(Buffer.isBuffer(registered[0]), "the providers ended before they were registered");
  return child;
}

function sellingPid(home: Home): number {
  const text = readFileSync(join(home.folder, "providers", "providers.lock"), "utf8");
  return text.trim() === "" ? 0 : Number(JSON.parse(text).pid);
}
