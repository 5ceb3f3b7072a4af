// Whether a second run says the same as the first. Pure.
//
// Runs agree when every leg ran in the same tree and ended with the same exit code, and
// both give the same verdict; outputs may differ, since they hold times and folders.
// Work that has one right answer must have that one from both.

import type { Leg } from "@openagents/contracts";
import type { Decision } from "./decide-verification.ts";

export type Agreement =
  | { readonly kind: "agree" }
  | { readonly kind: "disagree"; readonly because: string }
  /** The second run came to nothing by a limit or a missing tool: it contradicts nobody. */
  | { readonly kind: "no_answer"; readonly because: string };

export function decideAgreement(first: Decision, second: Decision): Agreement {
  if (second.violations.length > 0)
    return { kind: "disagree", because: `the second report breaks rules: ${second.violations.join(", ")}` };
  if (second.verdict === "inconclusive") return { kind: "no_answer", because: second.because };
  for (const leg of ["base", "patched", "guard"] as const) {
    if (endOf(first, leg) !== endOf(second, leg)) {
      return {
        kind: "disagree",
        because: `the ${leg} leg ${endOf(first, leg)} in the first run and ${endOf(second, leg)} in the second`,
      };
    }
  }
  for (const [leg, tree] of first.trees) {
    if (second.trees.get(leg) !== tree)
      return { kind: "disagree", because: `the ${leg} leg was not run in the same tree by both` };
  }
  if (second.answer !== first.answer) {
    const [one, other] = [first.answer ?? "none", second.answer ?? "none"];
    return { kind: "disagree", because: `the first answer is ${one}, the second ${other}` };
  }
  if (first.verdict !== second.verdict) {
    return {
      kind: "disagree",
      because: `the first run is ${first.verdict} (${first.because}), the second ${second.verdict} (${second.because})`,
    };
  }
  return { kind: "agree" };
}

function endOf(decision: Decision, leg: Leg): string {
  if (!decision.exitCodes.has(leg)) return "was not run";
  const code = decision.exitCodes.get(leg);
  return code === undefined ? "was ended from outside" : `exits ${code}`;
}
