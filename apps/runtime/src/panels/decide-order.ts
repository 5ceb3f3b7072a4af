// On what terms a panel is ordered. Pure.

import type { Adjudication } from "@openagents/contracts";

export type PanelTerms = {
  readonly redundancy: number;
  readonly quorum: number;
  readonly adjudication: "none" | "majority_vote";
};

/** Of the job type. */
export type PanelDefaults = { readonly redundancy: number; readonly adjudication: Adjudication };

export type PanelAsked = {
  readonly redundancy?: number | undefined;
  readonly quorum?: number | undefined;
  readonly adjudication?: Adjudication | undefined;
};

/** `problem`: the order contradicts itself, so that nothing is decided about it. */
export type DecidedTerms =
  | { readonly kind: "terms"; readonly terms: PanelTerms }
  | { readonly kind: "refused"; readonly reason: "judge_not_configured" | "merge_unsupported" }
  | { readonly kind: "problem"; readonly field: "quorum" | "adjudication"; readonly detail: string };

export function decideTerms(asked: PanelAsked, defaults: PanelDefaults): DecidedTerms {
  const redundancy = asked.redundancy ?? defaults.redundancy;
  const adjudication = asked.adjudication ?? defaults.adjudication;
  const majority = Math.floor(redundancy / 2) + 1;
  const quorum = asked.quorum ?? majority;
  if (quorum < majority || quorum > redundancy) {
    const detail = `Of ${redundancy} copies, ${majority} to ${redundancy} can be asked to agree.`;
    return { kind: "problem", field: "quorum", detail };
  }
  // There is no model here that could judge, and none is made up.
  if (adjudication === "judge_model") return { kind: "refused", reason: "judge_not_configured" };
  if (adjudication === "merge") return { kind: "refused", reason: "merge_unsupported" };
  if (adjudication === "none" && redundancy > 1) {
    const detail = "Without an adjudication one copy is all that can be asked for. Ask for `majority_vote`.";
    return { kind: "problem", field: "adjudication", detail };
  }
  return { kind: "terms", terms: { redundancy, quorum, adjudication } };
}
