// What becomes of a cheat: the legs in a real sandbox, and the real decision.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { decideVerdict, readReport, type LegOutcome, type VerdictDecision } from "@openagents/proof";
import { sha256Hex } from "@openagents/receipts";
import { SandboxError, createSandbox } from "@openagents/sandbox";
import { findToolchains } from "../../src/index.ts";
import { buildLayers, type BuiltLayer } from "../../src/layers/index.ts";
import { runLegs, type LegRun } from "../../src/legs/index.ts";
import type { Cheat, CheatedProject, Honest } from "./cheat.ts";
import { planOf, smallJob, writeFiles, type SmallJob } from "../small-project.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const sandbox = await createSandbox().catch((error: unknown) => {
  if (error instanceof SandboxError && error.code === "sandbox_unavailable") return undefined;
  throw error;
});
const toolchains = sandbox === undefined ? [] : await findToolchains();
const { signal } = new AbortController();

/** The layers of a project, or why they cannot be had here. */
async function layersOf(project: CheatedProject): Promise<readonly BuiltLayer[] | string> {
  if (project.layers !== true) return [];
  const folder = await mkdtemp(join(tmpdir(), "cheats-"));
  try {
    const tree = join(folder, "tree");
    await writeFiles(tree, project.files);
    if (project.files["package.json"] !== undefined) await lock(tree);
    const request = { scratch: join(folder, "scratch"), allowScripts: false, signal, say: () => undefined };
    return await buildLayers(tree, request);
  } catch (error) {
    return `the dependencies cannot be installed here: ${String(error).slice(0, 300)}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the project would have committed. */
async function lock(tree: string): Promise<void> {
  const args = ["install", "--package-lock-only", "--no-audit", "--no-fund"];
  await promisify(execFile)("npm", args, { cwd: tree, timeout: 120_000 });
}

async function jobOf(
  t: TestContext,
  project: CheatedProject,
  cheat: Pick<Cheat, "changes" | "commands" | "byExitCode" | "base" | "limits">,
  layers: readonly BuiltLayer[],
): Promise<SmallJob> {
  const byTests = cheat.byExitCode !== true && project.runner !== undefined;
  const job = await smallJob(t, cheat.changes, {
    project: { ...project.files, ...cheat.base },
    byTests,
    spec: {
      commands: cheat.commands ?? project.commands,
      toolchains: project.toolchains,
      layers: layers.map(({ kind, path, tar }) => ({ kind, path, sha256: sha256Hex(tar) })),
      ...(byTests && project.runner !== undefined ? { testRunner: project.runner } : {}),
    },
  });
  const inputs = new Map([...job.inputs, ...layers.map(({ tar }) => [sha256Hex(tar), tar] as const)]);
  const limits = { ...job.spec.limits, ...cheat.limits };
  return { ...job, spec: { ...job.spec, limits }, inputs };
}

async function verdictOf(t: TestContext, job: SmallJob): Promise<VerdictDecision> {
  if (sandbox === undefined) throw new Error("There is no sandbox.");
  const readInput = async (sha256: string) => job.inputs.get(sha256) ?? Buffer.alloc(0);
  const folder = await temporaryFolder(t);
  const { legs } = await runLegs({ sandbox, toolchains, readInput }, job.spec, folder, 1, signal);
  const { classification, guard } = await planOf(t, job);
  const outcomeOf = (name: LegRun["leg"]) =>
    outcome(
      job,
      legs.filter(({ leg }) => leg === name),
    );
  return decideVerdict({
    base: outcomeOf("base"),
    patched: outcomeOf("patched"),
    guard: guard.kind === "needed" ? { kind: "ran", outcome: outcomeOf("guard") } : guard,
    runner: job.spec.testRunner,
    classification,
  });
}

function outcome({ spec }: SmallJob, [run]: readonly LegRun[]): LegOutcome {
  const commands = run?.commands ?? [];
  const last = commands.at(-1);
  const limit = commands.find((command) => command.limit !== undefined)?.limit;
  return {
    commandsExpected: spec.commands.length,
    commandsRun: commands.length,
    ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
    ...(last?.signal === undefined ? {} : { signal: last.signal }),
    ...(limit === undefined ? {} : { limit }),
    ...(run?.report === undefined || spec.testRunner === undefined
      ? {}
      : { report: readReport(spec.testRunner, run.report) }),
  };
}

/** One test for each cheat, on layers that are built once. */
export function holdCheats(name: string, project: CheatedProject, cheats: readonly Cheat[]): void {
  suite(`cheats with ${name}`, { skip: sandbox === undefined && "no sandbox on this machine" }, async () => {
    const layers = sandbox === undefined ? [] : await layersOf(project);
    for (const cheat of cheats) {
      test(cheat.name, { skip: typeof layers === "string" && layers }, async (t) => {
        const job = await jobOf(t, project, cheat, typeof layers === "string" ? [] : layers);
        const decision = await verdictOf(t, job);
        t.diagnostic(decision.because);
        assert.equal(decision.verdict, cheat.verdict, decision.because);
        assert.match(decision.because, cheat.because);
      });
    }
  });
}

/** The opposite: what mends the source is proven, whatever the check's own files are. */
export function holdFixes(name: string, project: CheatedProject, fixes: readonly Honest[]): void {
  suite(`fixes with ${name}`, { skip: sandbox === undefined && "no sandbox on this machine" }, () => {
    for (const fix of fixes) {
      test(fix.name, async (t) => {
        const decision = await verdictOf(t, await jobOf(t, project, fix, []));
        assert.equal(decision.verdict, "proven", decision.because);
      });
    }
  });
}
