// What better-auth asks of the rest: mails, personal organisations, and somebody
// to tell what has changed.

import type { Logger } from "@openagents/service";
import type { Mail, Mailer } from "../mail/index.ts";
import type { AuthPorts } from "./better-auth.ts";
import { callScope } from "./call-scope.ts";
import type { IdentityEvents } from "./identity.ts";
import type { PersonalOrgs } from "./personal-orgs.ts";
import type { Recorder } from "./recorder.ts";

export type AuthPortsDeps = {
  readonly mailer: Mailer;
  readonly personalOrgs: PersonalOrgs;
  readonly events: IdentityEvents;
  readonly record: Recorder;
  readonly log: Logger;
};

export function createAuthPorts(deps: AuthPortsDeps): AuthPorts {
  const { mailer, personalOrgs, events, record, log } = deps;

  /** better-auth takes a mail that failed for sent; the request that asked for it is told by its scope. */
  async function send(mail: Mail): Promise<void> {
    try {
      await mailer.send(mail);
    } catch (error) {
      log.error({ err: error }, "a mail was not sent");
      const scope = callScope.getStore();
      if (scope === undefined) throw error;
      scope.mailFailure = error;
    }
  }

  return {
    sendCode: ({ email, code }) =>
      send({
        to: email,
        subject: "Your OpenAgents sign-in code",
        text: `Your sign-in code is ${code}.\n\nIt is good for ten minutes, once. If you have not asked for it, leave it.\n`,
      }),
    personalOrg: (userId) => personalOrgs.of(userId),
    userCreated: ({ id }) => record({ action: "user.created", actorId: id, subjectId: id }),
    sessionCreated: ({ id, userId }) => record({ action: "session.created", actorId: userId, subjectId: id }),
    async sessionEnding({ id, userId }) {
      await events.sessionEnded({ sessionId: id, userId });
      await record({ action: "session.ended", actorId: userId, subjectId: id });
    },
  };
}
