// Opens a mailbox with its sealed secret, for whatever acts for its person.

import type { Queryable } from "@openagents/postgres";
import type { Outbound } from "@openagents/service";
import type { PersonalSecrets } from "../integrations/index.ts";
import { gmailAccount } from "./gmail.ts";
import type { Google } from "./google.ts";
import { imapAccount } from "./imap.ts";
import type { MailAccount } from "./mail-account.ts";
import type { Mailbox } from "./mailbox.ts";
import { parseLogin, parseServers } from "./servers.ts";

/** Undefined where it was disconnected or connected anew meanwhile, or cannot be used in this installation. */
export type OpenMailAccount = (q: Queryable, mailbox: Mailbox) => Promise<MailAccount | undefined>;

export function createOpenMailAccount(deps: {
  readonly secrets: PersonalSecrets;
  readonly google: Google | undefined;
  readonly outbound: Outbound;
  readonly nowMs: () => number;
}): OpenMailAccount {
  return async (q, mailbox) => {
    const { org, provider, userId, receiptId } = mailbox;
    const found = await deps.secrets.find(q, { org, provider, owner: userId }, receiptId);
    if (found === undefined) return undefined;
    if (provider === "imap")
      return imapAccount(parseServers(found.baseUrl), parseLogin(found.secret), deps.outbound, deps.nowMs);
    return deps.google === undefined ? undefined : gmailAccount(deps.google, found.secret, deps.nowMs);
  };
}
