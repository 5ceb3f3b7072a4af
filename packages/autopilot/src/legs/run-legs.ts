// A job's legs, run from its spec and its inputs: by the provider that was paid
// for it, by a second one, by the operator, and by a reader of the bundle.
//
// LEG-1  Nothing of an input is used before its hash is that of the spec.
// LEG-2  The trees follow from base and patch; what the spec says besides must agree.
// LEG-3  Legs run one after the other, so that one leg's load cannot make another fail.
// Held by tests/legs.test.ts and tests/run-provider.test.ts.

import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Leg as LegName, SandboxRunSpec } from "@openagents/contracts";
import { packReport } from "@openagents/proof";
import type { CommandOutcome, Sandbox } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import { checkOut, openBundle, type Base } from "../git/index.ts";
import { openTools, type LegTools } from "./leg-tools.ts";
import { planLegs, type LegPlan } from "./plan-legs.ts";
import { matchToolchains, mountsOf, type InstalledToolchain } from "../toolchains/index.ts";

/** What runs a leg's commands, and says how. */
export type LegRunner = Pick<Sandbox, "sandbox" | "limitsBy" | "runCommands">;

export type LegDeps = {
  readonly sandbox: LegRunner;
  readonly toolchains: readonly InstalledToolchain[];
  /** Get an input by its hash, from wherever inputs are. What it gives is hashed again here. */
  readonly readInput: (sha256: string) => Promise<Buffer>;
};

export type LegRun = {
  readonly leg: LegName;
  readonly tree: string;
  readonly commands: readonly CommandOutcome[];
  /** What the test runner reported, packed; absent when the spec names no runner or nothing was reported. */
  readonly report?: Buffer;
};

export type LegRuns = {
  /** Base, patched, and guard where it is run; all of them `repeats` times over. */
  readonly legs: readonly LegRun[];
  /** What the job was given of the installed ones. */
  readonly toolchains: readonly InstalledToolchain[];
};

/** As many legs as a result can hold, three at a time. */
const REPEATS_MAX = 5;
const MIB = 1024 * 1024;

/**
 * Run the legs of a job in `folder`, which is ours and empty. Throws
 * `AutopilotError` (`toolchain_missing`, `input_hash_mismatch`, `layer_invalid`,
 * and what `openBundle` and `planLegs` throw), `PatchError`, `SandboxError`, and
 * the signal's reason when aborted; nothing of the commands is alive then.
 */
export async function runLegs(
  deps: LegDeps,
  spec: SandboxRunSpec,
  folder: string,
  repeats: number,
  signal: AbortSignal,
): Promise<LegRuns> {
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > REPEATS_MAX)
    throw new AutopilotError("repeats_invalid", `A job is run 1 to ${REPEATS_MAX} times, not ${repeats}.`);
  const match = matchToolchains(deps.toolchains, spec.toolchains);
  if (match.kind === "missing") {
    const { name, versionMin, versionBelow } = match.requirement;
    const range = versionBelow === undefined ? "or newer" : `or newer, below ${versionBelow},`;
    const message = `There is no ${name} of version ${versionMin} ${range} here.`;
    throw new AutopilotError("toolchain_missing", message);
  }
  const read = (sha256: string) => readChecked(deps, sha256, signal);
  const patch = await read(spec.patchSha256);
  const base = await openBase(spec, await read(spec.baseBundleSha256), folder, signal);
  const plan = await planLegs(base, spec, patch, signal);
  const tools = await openTools(spec, match.toolchains, (layer) => read(layer.sha256), folder, signal);

  const trees = await checkOutLegs(base, plan, folder, signal);
  const legs: LegRun[] = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    for (const tree of trees) legs.push(await runLeg(deps, spec, match.toolchains, tools, tree, signal));
  }
  return { legs, toolchains: match.toolchains };
}

/** An input's bytes, which are what their hash says. Throws `input_hash_mismatch`. */
export async function readChecked(
  deps: Pick<LegDeps, "readInput">,
  sha256: string,
  signal: AbortSignal,
): Promise<Buffer> {
  signal.throwIfAborted();
  const bytes = await deps.readInput(sha256);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual === sha256) return bytes;
  throw new AutopilotError("input_hash_mismatch", `Input ${sha256} came with the hash ${actual}.`);
}

async function openBase(
  spec: SandboxRunSpec,
  bundle: Buffer,
  folder: string,
  signal: AbortSignal,
): Promise<Base> {
  const bundleFile = join(folder, "input.bundle");
  await writeFile(bundleFile, bundle);
  const expected = { commit: spec.baseCommit, tree: spec.baseTree };
  const base = await openBundle(bundleFile, folder, expected, spec.limits.diskMib * MIB, signal);
  await rm(bundleFile);
  return base;
}

type LegTree = { readonly leg: LegName; readonly tree: string; readonly dir: string };

/** The sandbox copies what it runs in, so one folder serves all turns of a leg. */
async function checkOutLegs(
  base: Base,
  plan: LegPlan,
  folder: string,
  signal: AbortSignal,
): Promise<readonly LegTree[]> {
  const trees: LegTree[] = [
    { leg: "base", tree: plan.baseTree, dir: join(folder, "base") },
    { leg: "patched", tree: plan.patchedTree, dir: join(folder, "patched") },
  ];
  if (plan.guard.kind === "needed")
    trees.push({ leg: "guard", tree: plan.guard.tree, dir: join(folder, "guard") });
  for (const { dir, tree } of trees) await checkOut(base, dir, signal, tree);
  return trees;
}

async function runLeg(
  { sandbox }: LegDeps,
  { commands, limits, testRunner }: SandboxRunSpec,
  toolchains: readonly InstalledToolchain[],
  tools: LegTools,
  { leg, tree, dir }: LegTree,
  signal: AbortSignal,
): Promise<LegRun> {
  const outcome = await sandbox.runCommands({
    tree: dir,
    commands,
    limits: {
      wallMs: Number(limits.wallMs),
      cpuMs: Number(limits.cpuMs),
      memoryMib: limits.memoryMib,
      pids: limits.pids,
      diskMib: limits.diskMib,
      outputBytes: Number(limits.outputBytes),
    },
    toolchains: mountsOf(toolchains),
    ...tools,
    signal,
  });
  signal.throwIfAborted();
  const run = { leg, tree, commands: outcome.commands };
  const reported = testRunner !== undefined && outcome.collected.size > 0;
  return reported ? { ...run, report: packReport(outcome.collected) } : run;
}
