// The nouns by which a person's mail is read here, answered by whoever works for them,
// and sent once they said so.

import { startIntentWorker, type Authority } from "@openagents/authority";
import type { Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { startSweep, type After, type Logger, type Outbound } from "@openagents/service";
import type { ControlConfig } from "./config.ts";
import { controlPrincipal } from "./control-call.ts";
import type { DecisionSink } from "./inbox/index.ts";
import { createPersonalSecrets, type Sealer } from "./integrations/index.ts";
import { draftSink, mailDraftRoutes, sendHandler } from "./mail-drafts/index.ts";
import { forgetThreads, mailThreadRoutes, startMailSync } from "./mail-threads/index.ts";
import {
  createGoogle,
  createOAuthStates,
  createOpenMailAccount,
  forgetOAuthStates,
  mailboxRoutes,
} from "./mailboxes/index.ts";
import type { UserOf } from "./persons/index.ts";

export type MailLaneDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly google: ControlConfig["google"];
  /** Where browsers reach this service; known once it listens. */
  readonly publicUrl: () => string;
  readonly userOf: UserOf;
  readonly sealer: Sealer;
  /** For what persons and providers name. */
  readonly outbound: Outbound;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly after?: After | undefined;
  readonly resources: AsyncDisposableStack;
};

/** Where Google sends people back to, and nowhere else. */
const CALLBACK_PATH = "/settings/integrations/google/callback";

const FORGET_EVERY_MS = 600_000;

export function mailLanes(deps: MailLaneDeps): {
  readonly bindings: Binding[];
  readonly decided: DecisionSink;
} {
  const { db, authority, userOf, sealer, outbound, log, nowMs, after, resources } = deps;
  const secrets = createPersonalSecrets(sealer);
  const google =
    deps.google === undefined
      ? undefined
      : createGoogle({
          settings: deps.google,
          redirectUri: () => deps.publicUrl() + CALLBACK_PATH,
          outbound,
          nowMs,
        });
  const openAccount = createOpenMailAccount({ secrets, google, outbound, nowMs });
  const intents = resources.use(
    startIntentWorker({
      db,
      authority,
      nowMs,
      handlers: [sendHandler({ db, openAccount, nowMs })],
      principal: controlPrincipal("approvals:decide"),
      onTrouble: (error, intentId) =>
        log.warn({ err: error, intent_id: intentId }, "the sending of a mail was interrupted"),
    }),
  );
  resources.use(startMailSync({ db, authority, openAccount, nowMs, log, after }));
  resources.use(
    startSweep({
      what: "old mail and authorisations",
      everyMs: FORGET_EVERY_MS,
      log,
      after,
      async look() {
        await forgetThreads(db, nowMs());
        await forgetOAuthStates(db, nowMs());
      },
    }),
  );
  const wake = () => intents.wake();
  const states = createOAuthStates(sealer);
  return {
    bindings: [
      mailboxRoutes({ db, authority, secrets, states, google, outbound, nowMs, userOf }),
      mailThreadRoutes({ db, authority, openAccount, userOf }),
      mailDraftRoutes({ db, authority, userOf, nowMs, wake }),
    ],
    decided: draftSink({ wake }),
  };
}
