// What a demonstration came to: for a machine as one JSON object, for a person
// in a few lines.

import type { RunOutcome } from "@openagents/autopilot";
import { formatSats, printable, renderPairs, type Style } from "../terminal/index.ts";

export type DemoReport = {
  readonly ok: boolean;
  readonly outcome: RunOutcome | undefined;
  /** Of the stack that goes on running. */
  readonly address: string | undefined;
};

/** For a demonstration that ended before its run did. */
export const noReport: DemoReport = { ok: false, outcome: undefined, address: undefined };

/** Members that have no value are null; `guard_exit_code` is, as no guard leg runs. */
export function reportJson({ ok, outcome }: DemoReport): string {
  return JSON.stringify({
    ok,
    run_id: outcome?.runId ?? null,
    verdict: outcome?.verdict ?? null,
    assurance: outcome?.assurance ?? null,
    proof: outcome?.proof ?? null,
    base_exit_code: outcome?.baseExitCode ?? null,
    patched_exit_code: outcome?.patchedExitCode ?? null,
    guard_exit_code: null,
    provider_id: outcome?.providerWorkerId ?? null,
    amount_msats: outcome === undefined ? null : Number(outcome.amountMsats),
    settlement_status: outcome?.settlementStatus ?? null,
    bundle_dir: outcome?.bundleDir ?? null,
  });
}

export function reportLines({ ok, outcome, address }: DemoReport, style: Style): string[] {
  if (outcome === undefined) return [];
  const pairs: [string, string][] = [];
  if (outcome.verdict !== undefined) {
    const proof = outcome.proof?.replaceAll("_", " ") ?? "no proof";
    pairs.push([
      "verdict",
      `${outcome.verdict.replaceAll("_", " ")} (${proof}), ${whose(outcome.assurance)}`,
    ]);
  }
  if (outcome.settlementStatus === "released") {
    const { amountMsats, operatorFeeMsats } = outcome;
    pairs.push([
      "credited",
      `${formatSats(amountMsats)} to the provider, ${formatSats(operatorFeeMsats)} to the operator`,
    ]);
  }
  if (outcome.settlementStatus === "withheld")
    pairs.push(["credited", "nothing: the money was withheld and given back"]);
  if (outcome.openReservation !== undefined) {
    pairs.push([
      "set aside",
      `${formatSats(outcome.openReservation.amountMsats)}, until the provider has ended its work`,
    ]);
  }
  if (outcome.problem !== undefined)
    pairs.push(["problem", printable(`${outcome.problem.detail} (${outcome.problem.code})`)]);
  pairs.push(["run", outcome.runId]);
  if (address !== undefined)
    pairs.push(["runtime", `${address}  ${style.dim("end it with openagents down")}`]);
  pairs.push(["bundle", outcome.bundleDir ?? "none"]);
  return [
    "",
    ok ? style.green("✓ proven, and the bundle verifies") : style.red("✗ not proven"),
    ...renderPairs(pairs, style),
  ];
}

/** Only what someone else reproduced is called verified. */
function whose(assurance: string | undefined): string {
  return assurance === "self" || assurance === "independent"
    ? `verified (${assurance})`
    : "reported by the provider";
}
