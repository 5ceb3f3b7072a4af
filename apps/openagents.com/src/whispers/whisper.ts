// Private messages between two persons.
//
// WSP-1  Nobody but the two learns that there is one.
// WSP-2  Only the recipient marks it as read, and the first time stays.
// WSP-3  Each takes it out of their own list; once both have, its words are nowhere any more.
// Held by tests/social.pg.test.ts.

import type { Whisper as WhisperMessage } from "@openagents/contracts";
import { personMessage, type Person } from "../profiles/index.ts";

export const WHISPERS_PER_HOUR_MAX = 120;

export type Whisper = {
  readonly whisperId: string;
  readonly sender: Person;
  readonly recipient: Person;
  readonly body: string;
  readonly sentAtMs: number;
  readonly readAtMs: number | undefined;
};

export function whisperMessage(whisper: Whisper): WhisperMessage {
  return {
    whisperId: whisper.whisperId,
    sender: personMessage(whisper.sender),
    recipient: personMessage(whisper.recipient),
    body: whisper.body,
    sentAt: whisper.sentAtMs,
    readAt: whisper.readAtMs,
  };
}
