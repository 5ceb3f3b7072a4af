// What several answers to one question come to. Pure.
//
// PNL-2  An answer counts when as many owners as the quorum gave the very same one. The
//        quorum is more than half of all who were asked, so that no two can have it.
// PNL-3  Without one a person of the buyer decides, never the order of hashes or of arrival.

import type { Asked } from "./decide-redundancy.ts";

export type Adjudicated =
  | { readonly kind: "decided"; readonly answerSha256: string; readonly because: string }
  | { readonly kind: "needs_review"; readonly because: string }
  | { readonly kind: "expired"; readonly because: string };

/** `answers`: the hash of each copy that answered. */
export function adjudicate(answers: readonly string[], { quorum, redundancy }: Asked): Adjudicated {
  const votes = new Map<string, number>();
  for (const answer of answers) votes.set(answer, (votes.get(answer) ?? 0) + 1);
  const most = Math.max(0, ...votes.values());
  if (most === 0) return { kind: "expired", because: "nobody who was asked gave an answer" };
  const [answerSha256 = ""] = [...votes].find(([, count]) => count === most) ?? [];
  const said = `${most} of ${answers.length} answers are the same; ${redundancy} were asked, ${quorum} must agree`;
  if (most >= quorum) return { kind: "decided", answerSha256, because: said };
  return { kind: "needs_review", because: said };
}

export type ReviewFacts = {
  readonly status: "open" | "needs_review" | "decided" | "rejected" | "expired";
  readonly isPerson: boolean;
  /** Undefined for a rejection. */
  readonly pickedSha256: string | undefined;
  readonly answers: readonly string[];
};

/** In order of precedence. */
export type ReviewRefusal = "not_a_person" | "review_not_needed" | "already_decided" | "answer_not_given";

/** Whether a person's word on a panel may be taken. */
export function refuseReview({
  status,
  isPerson,
  pickedSha256,
  answers,
}: ReviewFacts): ReviewRefusal | undefined {
  if (!isPerson) return "not_a_person";
  if (status === "open") return "review_not_needed";
  if (status !== "needs_review") return "already_decided";
  if (pickedSha256 !== undefined && !answers.includes(pickedSha256)) return "answer_not_given";
  return undefined;
}
