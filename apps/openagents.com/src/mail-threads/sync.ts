// Reads what is new in mailboxes. A mailbox is asked outside of any transaction; what it
// told is kept under its lock, where what came meanwhile is known.

import type { Authority, Command } from "@openagents/authority";
import {
  MailThreads,
  ProblemError,
  type CommandCall,
  type CommandReply,
  type MailboxStatus,
  type RefreshMailResponse,
} from "@openagents/contracts";
import type { Database, Write } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { controlCall } from "../control-call.ts";
import {
  MailboxError,
  listDueMailboxes,
  lockMailbox,
  mailboxMessage,
  markMailboxAsked,
  readMail,
  type FoundMail,
  type Mailbox,
  type OpenMailAccount,
} from "../mailboxes/index.ts";
import { addToThreads, findKnownKeys, insertMessages } from "./store.ts";
import { messageOf, threadOf, type Message } from "./thread.ts";

export type SyncDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly openAccount: OpenMailAccount;
};

/** What a mailbox told. */
type Told = {
  readonly mailbox: Mailbox;
  readonly status: MailboxStatus;
  readonly messages: readonly (Message & Pick<FoundMail, "remoteThread">)[];
};

/** Ask mailboxes, and keep what is new. Throws for none of what they say. */
export async function refreshMailboxes(
  deps: SyncDeps,
  call: CommandCall,
  mailboxes: readonly Mailbox[],
): Promise<CommandReply> {
  const told = await Promise.all(mailboxes.map((mailbox) => ask(deps, mailbox, call.signal)));
  return deps.authority.perform<RefreshMailResponse>(call, async (command) => {
    const kept = [];
    // In one order, for all who refresh.
    for (const each of told.toSorted((a, b) => (a.mailbox.mailboxId < b.mailbox.mailboxId ? -1 : 1)))
      kept.push(await keep(command, each));
    const output = {
      mailboxes: kept.flatMap(({ mailbox }) => (mailbox === undefined ? [] : [mailboxMessage(mailbox)])),
      newMessages: kept.reduce((sum, { count }) => sum + count, 0),
    };
    return { kind: "answer", output, writes: kept.flatMap(({ writes }) => writes) };
  });
}

async function ask({ db, openAccount }: SyncDeps, mailbox: Mailbox, signal: AbortSignal): Promise<Told> {
  try {
    const account = await openAccount(db, mailbox);
    if (account === undefined) return { mailbox, status: "unreachable", messages: [] };
    const isKnown = (keys: readonly string[]) => findKnownKeys(db, mailbox.mailboxId, keys);
    const messages = [];
    for (const found of await account.findNew(isKnown, signal)) {
      const message = messageOf(mailbox, found, await readMail(found.raw));
      messages.push({ ...message, remoteThread: found.remoteThread });
    }
    return { mailbox, status: "works", messages };
  } catch (error) {
    if (!(error instanceof MailboxError)) throw error;
    const status = error.code === "login_refused" ? "refused" : "unreachable";
    return { mailbox, status, messages: [] };
  }
}

type Kept = {
  readonly mailbox: Mailbox | undefined;
  readonly count: number;
  readonly writes: readonly Write[];
};

async function keep(command: Command, { mailbox, status, messages }: Told): Promise<Kept> {
  const { tx } = command;
  const locked = await lockMailbox(tx, mailbox.mailboxId);
  // Disconnected or connected anew while it was asked: what it told belongs nowhere.
  if (locked?.receiptId !== mailbox.receiptId) return { mailbox: locked, count: 0, writes: [] };
  const keys = messages.map(({ messageKey }) => messageKey);
  const known = await findKnownKeys(tx, mailbox.mailboxId, keys);
  const fresh = new Map(
    messages.filter(({ messageKey }) => !known.has(messageKey)).map((each) => [each.messageId, each]),
  );
  const byThread = Map.groupBy(fresh.values(), ({ threadId }) => threadId);
  const threads = [...byThread.values()].map((all) => threadOf(locked, all[0]?.remoteThread, all));
  const atMs = command.nowMs();
  return {
    mailbox: { ...locked, status, syncedAtMs: status === "works" ? atMs : locked.syncedAtMs },
    count: fresh.size,
    writes: [
      ...(fresh.size === 0 ? [] : [addToThreads(threads), insertMessages([...fresh.values()])]),
      markMailboxAsked(mailbox.mailboxId, status, atMs),
    ],
  };
}

const LOOK_EVERY_MS = 30_000;

/** How long a mailbox is left alone. */
const ASK_EVERY_MS = 300_000;

/** At one look, one after the other. */
const AT_ONCE_MAX = 20;

/** Ask all mailboxes in turn; disposing it waits for the one that is asked. */
export function startMailSync(
  deps: SyncDeps & {
    readonly nowMs: () => number;
    readonly log: Logger;
    readonly after?: After | undefined;
  },
): AsyncDisposable {
  const look = async (signal: AbortSignal) => {
    for (const mailbox of await listDueMailboxes(deps.db, deps.nowMs() - ASK_EVERY_MS, AT_ONCE_MAX)) {
      if (signal.aborted) return;
      const call = controlCall(MailThreads, "refreshMail", "inbox:refresh", signal);
      await refreshMailboxes(deps, call, [mailbox]).catch((error: unknown) => {
        if (error instanceof ProblemError && error.code === "writes_frozen") return;
        throw error;
      });
    }
  };
  return startSweep({ ...deps, what: "mailboxes", everyMs: LOOK_EVERY_MS, look });
}
