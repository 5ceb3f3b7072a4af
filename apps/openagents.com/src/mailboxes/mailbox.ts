// A person's mailbox elsewhere.
//
// MBX-1  Only a person connects one, in the session that began it, and it is read for that person alone.
// MBX-2  Its secret is sealed for the person, the organisation and the servers, and no route tells it.
// MBX-3  An authorisation that comes back is good once, for ten minutes, in the session that began it.
// MBX-4  No server is reached that is not on the public internet, and none without encryption.
// Held by tests/mailboxes.pg.test.ts.

import type { Mailbox as MailboxMessage, MailboxStatus } from "@openagents/contracts";
import type { MailProvider } from "../integrations/index.ts";

export type Mailbox = {
  readonly mailboxId: string;
  readonly org: string;
  readonly userId: string;
  readonly provider: MailProvider;
  readonly address: string;
  readonly status: MailboxStatus;
  readonly syncedAtMs: number | undefined;
  readonly askedAtMs: number;
  readonly connectedAtMs: number;
  /** Of its being connected; another means that it was connected anew. */
  readonly receiptId: string;
};

export function mailboxMessage(mailbox: Mailbox): MailboxMessage {
  return {
    mailboxId: mailbox.mailboxId,
    provider: mailbox.provider,
    address: mailbox.address,
    status: mailbox.status,
    syncedAt: mailbox.syncedAtMs,
    connectedAt: mailbox.connectedAtMs,
    receiptId: mailbox.receiptId,
  };
}
