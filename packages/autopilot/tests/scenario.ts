// A whole job in memory: the demo repository, a provider with a runner that
// stands in for the sandbox (the fixture is our own and trusted), and the buyer.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { scriptedAgent } from "@openagents/agent";
import {
  prepareDemoRepository,
  runIssue,
  runProvider,
  type Demo,
  type LegRunner,
  type Pause,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
  type RunIssueOptions,
  type RunOutcome,
} from "../src/index.ts";
import { createFakeRuntime, type FakeRuntime } from "./fake-runtime.ts";

/** Lets everyone else go on, and takes no time. */
export const noPause: Pause = async (_ms, signal) => {
  await new Promise((resolve) => setImmediate(resolve));
  return !signal.aborted;
};

/** Waits only for the end: no heartbeat and no renewal ever becomes due. */
export const endOnly: Pause = (_ms, signal) => {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener("abort", () => resolve(false), { once: true });
  });
};

const NODE_BIN = dirname(process.execPath);

export const plainRunner: LegRunner = {
  sandbox: "none (a trusted fixture)",
  limitsBy: "rlimits",
  async runCommands({ tree, commands }) {
    const env = { PATH: `${NODE_BIN}:/usr/bin:/bin` };
    const [command = ""] = commands;
    const ended = spawnSync("sh", ["-c", command], { cwd: tree, env });
    return outcomeOf({
      command,
      exitCode: ended.status ?? 255,
      startedAtMs: 0,
      durationMs: 1,
      stdout: ended.stdout,
      stderr: ended.stderr,
    });
  },
};

/** Ends every command of the base leg with one exit code and of the patched leg with another. */
export function fixedRunner(baseExitCode: number, patchedExitCode: number): LegRunner {
  return {
    ...plainRunner,
    async runCommands({ tree, commands: [command = ""] }) {
      const exitCode = tree.endsWith("base") ? baseExitCode : patchedExitCode;
      const stdout = Buffer.from(`exit ${exitCode}\n`);
      return outcomeOf({ command, exitCode, startedAtMs: 0, durationMs: 1, stdout, stderr: Buffer.alloc(0) });
    },
  };
}

type Ran = Awaited<ReturnType<LegRunner["runCommands"]>>;

function outcomeOf(...commands: Ran["commands"]): Ran {
  return { commands, collected: new Map(), collectedTooMuch: false };
}

export async function temporaryFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "autopilot-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export type Provider = {
  readonly events: ProviderEvent[];
  readonly ended: Promise<ProviderEnd>;
  readonly stop: () => void;
};

export async function startProvider(
  t: TestContext,
  runtime: FakeRuntime,
  options: Partial<ProviderOptions> = {},
): Promise<Provider> {
  const stop = new AbortController();
  const events: ProviderEvent[] = [];
  const { promise: registered, resolve } = Promise.withResolvers<void>();
  const ended = runProvider({
    client: { baseUrl: "http://unused.invalid", token: "" },
    clients: runtime.clients,
    displayName: "provider",
    priceMsats: 10_000n,
    caps: { memoryMibMax: 4096, diskMibMax: 4096, wallMsMax: 600_000n, concurrentJobsMax: 1 },
    sandbox: plainRunner,
    toolchains: [{ name: "node", version: "24.0.0", prefix: dirname(NODE_BIN) }],
    dataDir: await temporaryFolder(t),
    signal: stop.signal,
    pause: endOnly,
    onEvent(event) {
      events.push(event);
      if (event.type === "registered") resolve();
    },
    ...options,
  });
  t.after(async () => {
    stop.abort();
    await ended.catch(() => undefined);
  });
  await Promise.race([registered, ended]);
  return { events, ended, stop: () => stop.abort() };
}

export async function demoIn(t: TestContext): Promise<Demo> {
  return prepareDemoRepository(join(await temporaryFolder(t), "repo"));
}

export async function buy(
  t: TestContext,
  runtime: FakeRuntime,
  options: Partial<RunIssueOptions> = {},
): Promise<RunOutcome> {
  const demo = await demoIn(t);
  return runIssue({
    client: { baseUrl: "http://unused.invalid", token: "" },
    clients: runtime.clients,
    repo: demo.repo,
    issue: demo.issue,
    agent: scriptedAgent(demo.scriptFile),
    checks: demo.checks,
    budgetMsats: 50_000n,
    toolchains: demo.toolchains,
    sessionsDir: join(await temporaryFolder(t), "sessions"),
    signal: new AbortController().signal,
    pause: noPause,
    ...options,
  });
}

/** The demo's run with a proven end, and its bundle. */
export async function provenRun(
  t: TestContext,
): Promise<{ outcome: RunOutcome; bundleDir: string; runtime: FakeRuntime }> {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  const outcome = await buy(t, runtime);
  if (outcome.bundleDir === undefined) throw new Error(`no bundle: ${JSON.stringify(outcome.problem)}`);
  return { outcome, bundleDir: outcome.bundleDir, runtime };
}
