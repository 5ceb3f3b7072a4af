// What a demonstration came to: for a machine as one JSON object, for a person
// in a few lines.

import type { RunOutcome } from "@openagents/autopilot";
import { isVerified, untilWhen } from "../runs/index.ts";
import { formatSats, printable, renderPairs, type Style } from "../terminal/index.ts";

export type DemoReport = {
  readonly ok: boolean;
  readonly outcome: RunOutcome | undefined;
  /** Of the stack that goes on running. */
  readonly address: string | undefined;
};

/** For a demonstration that ended before its run did. */
export const noReport: DemoReport = { ok: false, outcome: undefined, address: undefined };

/** Members that have no value are null. */
export function reportJson({ ok, outcome }: DemoReport): string {
  const { verification, settlement } = outcome ?? {};
  return JSON.stringify({
    ok,
    run_id: outcome?.runId ?? null,
    verdict: verification?.verdict ?? null,
    assurance: verification?.assurance ?? null,
    proof: verification?.proof ?? null,
    base_exit_code: verification?.baseExitCode ?? null,
    patched_exit_code: verification?.patchedExitCode ?? null,
    guard_exit_code: verification?.guardExitCode ?? null,
    provider_id: outcome?.providerWorkerId ?? null,
    amount_msats: settlement === undefined ? null : Number(settlement.providerMsats),
    settlement_status: settlement?.status ?? null,
    bundle_dir: outcome?.bundleDir ?? null,
  });
}

export function reportLines({ ok, outcome, address }: DemoReport, style: Style): string[] {
  if (outcome === undefined) return [];
  const { verification, settlement, openMsats, problem } = outcome;
  const pairs: [string, string][] = [];
  if (verification !== undefined) {
    const { verdict, proof, assurance } = verification;
    const whose = isVerified(outcome) ? `verified (${assurance})` : "reported by the provider";
    pairs.push(["verdict", `${verdict.replaceAll("_", " ")} (${proof.replaceAll("_", " ")}), ${whose}`]);
  }
  if (settlement !== undefined) pairs.push(["credited", creditedOf(settlement)]);
  if (openMsats > 0n) pairs.push(["set aside", `${formatSats(openMsats)} ${untilWhen(outcome)}`]);
  if (problem !== undefined) pairs.push(["problem", printable(`${problem.detail} (${problem.code})`)]);
  pairs.push(["run", outcome.runId]);
  if (address !== undefined)
    pairs.push(["runtime", `${address}  ${style.dim("end it with openagents down")}`]);
  pairs.push(["bundle", outcome.bundleDir ?? "none"]);
  return [
    "",
    ok ? style.green("✓ proven and verified, and the bundle verifies") : style.red("✗ not proven"),
    ...renderPairs(pairs, style),
  ];
}

/** What a settlement does not credit goes back to the buyer. */
function creditedOf(settlement: NonNullable<RunOutcome["settlement"]>): string {
  const { status, providerMsats, secondOpinionMsats, operatorFeeMsats } = settlement;
  const credits = [
    status === "released" ? `${formatSats(providerMsats)} to the provider` : "nothing to the provider",
  ];
  if (secondOpinionMsats > 0n) credits.push(`${formatSats(secondOpinionMsats)} for the second run`);
  if (operatorFeeMsats > 0n) credits.push(`${formatSats(operatorFeeMsats)} to the operator`);
  return `${credits.join(", ")}; the rest was given back`;
}
