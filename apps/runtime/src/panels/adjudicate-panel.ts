// A person's word on answers that differ: their identity and reason are in the receipt.

import type { Authority } from "@openagents/authority";
import type {
  AdjudicatePanelRequest,
  AdjudicatePanelResponse,
  CommandCall,
  CommandReply,
} from "@openagents/contracts";
import { invalidField } from "@openagents/service";
import { lockPanel, writeDecision } from "./conclude-panel.ts";
import { refuseReview, type ReviewRefusal } from "./decide-adjudication.ts";
import { answersOf } from "./panel.ts";

/** Pick an answer or reject all. Refused as `ReviewRefusal` lists. */
export function adjudicatePanel(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: AdjudicatePanelRequest,
): Promise<CommandReply> {
  return authority.execute<AdjudicatePanelResponse>(call, request, async (command) => {
    const locked = await lockPanel(command, request.panelId);
    const { id, kind } = call.principal;
    const { answerSha256, choice, reason: because } = request;
    if ((choice === "pick") !== (answerSha256 !== undefined))
      throw invalidField(
        "answer_sha256",
        "choice_mismatch",
        "Name an answer to pick one, and none to reject all.",
      );
    const refused = refuseReview({
      status: locked.panel.status,
      isPerson: kind === "user",
      pickedSha256: answerSha256,
      answers: answersOf(locked.copies),
    });
    if (refused !== undefined) {
      const rule = refused === "not_a_person" ? "policy" : "state";
      return { kind: "refused", rule, reason: refused, detail: DETAILS[refused] };
    }
    const outcome =
      answerSha256 === undefined
        ? ({ kind: "rejected", because } as const)
        : ({ kind: "decided", answerSha256, because } as const);
    return writeDecision(command, { ...locked, outcome, person: id }, command.nowMs());
  });
}

const DETAILS: Readonly<Record<ReviewRefusal, string>> = {
  not_a_person: "A person of the buyer decides where answers differ. Sign in as one.",
  review_not_needed:
    "Answers may still come in. Send DecidePanel first; a person decides when there is no quorum.",
  already_decided: "The panel is decided, and that is not taken back.",
  answer_not_given: "No copy of the panel gave this answer. GetPanel lists those that were given.",
};
