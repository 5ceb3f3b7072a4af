// The mail of an invitation leaves behind the commit, so that nobody is asked to
// accept what was not kept, and none is lost while the mail server is away.

import type { IntentHandler } from "@openagents/authority";
import { Invitations, methodsOf } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { MailNotSent, type Mailer } from "../mail/index.ts";
import { findInvitationMail } from "./store.ts";

export const INVITATION_MAIL = "control.invitation_mail";

export function invitationMailer(deps: {
  readonly db: Queryable;
  readonly mailer: Pick<Mailer, "send">;
  readonly publicUrl: () => string;
  readonly nowMs: () => number;
}): IntentHandler {
  const { db, mailer, publicUrl, nowMs } = deps;
  const method = methodsOf(Invitations).find(({ localName }) => localName === "inviteMember");
  if (method === undefined) throw new Error("the contract has no inviteMember");
  return {
    kind: INVITATION_MAIL,
    method,
    async act({ subject: invitationId }) {
      const mail = await findInvitationMail(db, invitationId, nowMs());
      if (mail === undefined)
        return { kind: "failed", reason: "invitation_ended", detail: "Nobody waits for it any more." };
      const { email, role, orgName, inviterEmail } = mail;
      const written = {
        to: email,
        subject: `You are invited to ${orgName} on OpenAgents`,
        text: `${inviterEmail} invites you to the organisation ${orgName} as ${role}.\n\nTo accept, sign in with this address at\n${publicUrl()}/invitations/${invitationId}\n`,
      };
      try {
        await mailer.send(written);
        return { kind: "succeeded", facts: {} };
      } catch (error) {
        if (error instanceof MailNotSent && error.nothingLeft)
          return { kind: "not_sent", detail: error.message };
        throw error;
      }
    },
    // A mail server is not asked afterwards, and the same mail twice would be worse than
    // none: the inviter sees who has not accepted, and invites again.
    ask: async () => ({
      kind: "failed",
      reason: "delivery_unknown",
      detail: "The mail server did not say whether it took the mail. Invite again.",
    }),
    conclude: async () => ({ kind: "recorded", writes: [] }),
  };
}
