// The legs of the last job run again, from the bundle alone: no server, no
// network, only this machine's sandbox and tools. What cannot be run here is not
// checked, and says why.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex, type JsonObject } from "@openagents/receipts";
import { SandboxError } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import { runLegs, type LegRun, type LegRunner } from "../legs/index.ts";
import type { InstalledToolchain } from "../toolchains/index.ts";
import { readInput, type Bench } from "./bench.ts";
import { decideStored, isDecidedByResult } from "./check-verdict.ts";
import { NotChecked, type Problems } from "./claims.ts";
import { objectOf, textOf } from "./json-view.ts";
import type { BundleFiles } from "./layout.ts";
import { decideResult, differences, endingsOf } from "./reported-legs.ts";

export type RerunOptions = {
  /** Undefined when this machine cannot confine commands. */
  readonly sandbox: LegRunner | undefined;
  readonly toolchains: readonly InstalledToolchain[];
  readonly signal: AbortSignal;
  readonly say?: (detail: string) => void;
};

/** Reasons of the machine, not of the bundle. */
const NOT_HERE: ReadonlySet<string> = new Set(["sandbox_unavailable", "toolchain_missing"]);

export async function checkRerun(
  bench: Bench | undefined,
  files: BundleFiles,
  options: RerunOptions,
  problems: Problems,
): Promise<string> {
  const verification = bench?.attempt.verification;
  if (bench === undefined || verification?.["result"] === undefined)
    throw new NotChecked("there is no result to compare with");
  const { classification } = await bench.openPlan();
  const { legs, reports } = await runAgain(bench, files, options);
  const again: JsonObject = { legs };
  const stored = objectOf(verification, "result");
  for (const difference of differences(endingsOf(stored), endingsOf(again)))
    problems.add(`a leg ends otherwise: ${difference}`);
  const readBytes = (sha256: string) => reports.get(sha256);
  const decided = decideResult(again, bench.spec(), classification, readBytes, problems);
  const verdict = isDecidedByResult(verification)
    ? textOf(verification, "verdict")
    : (await decideStored(bench, files, verification, problems)).verdict;
  problems.same("the verdict", decided.verdict, verdict);
  const endings = [...endingsOf(again)].map(([leg, ending]) => `${leg} ${ending}`).join(", ");
  return `${decided.verdict} here too: ${endings}`;
}

type Again = { readonly legs: readonly JsonObject[]; readonly reports: ReadonlyMap<string, Buffer> };

async function runAgain(bench: Bench, files: BundleFiles, options: RerunOptions): Promise<Again> {
  const { sandbox, toolchains, signal } = options;
  if (sandbox === undefined) throw new NotChecked("there is no sandbox on this machine");
  const spec = bench.spec();
  const layers = new Set(spec.layers.map(({ sha256 }) => sha256));
  const read = async (sha256: string) => {
    try {
      return readInput(files, sha256);
    } catch (cause) {
      if (layers.has(sha256)) throw new NotChecked(`layer ${sha256} is not in the bundle`);
      throw cause;
    }
  };
  const folder = await mkdtemp(join(tmpdir(), "openagents-rerun-"));
  try {
    options.say?.(`runs ${spec.commands.join(" && ")} again`);
    const { legs } = await runLegs({ sandbox, toolchains, readInput: read }, spec, folder, 1, signal);
    return describe(legs);
  } catch (cause) {
    if (signal.aborted) throw new NotChecked("it was stopped before the end");
    const isOfMachine = cause instanceof AutopilotError || cause instanceof SandboxError;
    if (isOfMachine && NOT_HERE.has(cause.code)) throw new NotChecked(cause.message);
    throw cause;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In the form of a reported result, as far as it is compared. */
function describe(runs: readonly LegRun[]): Again {
  const reports = new Map<string, Buffer>();
  const legs = runs.map(({ leg, tree, commands, report }): JsonObject => {
    const sha256 = report === undefined ? undefined : sha256Hex(report);
    if (report !== undefined && sha256 !== undefined) reports.set(sha256, report);
    return {
      leg,
      tree,
      commands: commands.map(({ command, exitCode, signal, limit }) => ({
        command,
        ...(exitCode === undefined ? { signal: signal ?? "" } : { exit_code: exitCode }),
        ...(limit === undefined ? {} : { limit }),
      })),
      ...(sha256 === undefined ? {} : { report_sha256: sha256 }),
    };
  });
  return { legs, reports };
}
