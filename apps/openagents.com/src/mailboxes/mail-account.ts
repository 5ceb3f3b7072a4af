// A mailbox as what is asked of it, whatever speaks to it: the mail that is new, and
// to send one, once. How it says no decides what happens next, so it is exact.

import type { ActResult, Effect } from "@openagents/authority";

export type MailAccount = {
  /** Mail of the last weeks whose key is not known yet. Throws `MailboxError`. */
  findNew(isKnown: FindKnown, signal: AbortSignal): Promise<readonly FoundMail[]>;
  /**
   * Give it to the server. `succeeded` once the server has taken it, with the key of the message
   * among the facts; `failed` or `not_sent` when the server said no, or was not reached. Throws
   * when it may have taken it.
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<ActResult>;
  /** What became of one that may have been sent. Sends nothing. */
  findSent(mail: OutgoingMail, sentAtMs: number, signal: AbortSignal): Promise<Effect>;
};

export type FindKnown = (keys: readonly string[]) => Promise<ReadonlySet<string>>;

export type FoundMail = {
  /** What the mailbox tells it by, for ever. */
  readonly key: string;
  readonly remoteThread: string | undefined;
  /** Whether it is among what the mailbox sent; whom it says that it is from proves nothing. */
  readonly sentByUs: boolean;
  /** When the server took it: what the mail itself says of that may be anything. */
  readonly occurredAtMs: number;
  /** RFC 5322, perhaps cut at its end. */
  readonly raw: Uint8Array | string;
};

export type OutgoingMail = {
  readonly draftId: string;
  readonly from: string;
  readonly to: readonly string[];
  /** With its angle brackets. */
  readonly messageId: string;
  readonly remoteThread: string | undefined;
  readonly raw: Uint8Array;
};

export class MailboxError extends Error {
  override readonly name = "MailboxError";
  /** `login_refused` lasts until it is connected again. */
  readonly code: "login_refused" | "unreachable";

  constructor(code: MailboxError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** How far back mail is read. */
export const LOOK_BACK_MS = 30 * 86_400_000;

/** Messages that are read at once; more come with the next look. */
export const MESSAGES_MAX = 50;

/** The name of a header by which what was sent from here is found again. */
export const DRAFT_HEADER = "X-OpenAgents-Draft";
