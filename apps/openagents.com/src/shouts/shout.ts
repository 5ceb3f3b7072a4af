// Short public notes.
//
// SHT-1  Words that are gone are nowhere any more; that they were there stays, with who took them down and why.
// SHT-2  Nobody but the author takes a note back, and nobody but an operator takes down another's.
// SHT-3  A person says at most so much in an hour, however many requests come at once.
// Held by tests/social.pg.test.ts.

import type { Shout as ShoutMessage } from "@openagents/contracts";
import { personMessage, type Person } from "../profiles/index.ts";

export const SHOUTS_PER_HOUR_MAX = 60;

export type Shout = {
  readonly shoutId: string;
  readonly author: Person;
  readonly zone: string | undefined;
  readonly body: string;
  readonly postedAtMs: number;
  readonly goneAtMs: number | undefined;
  readonly removedBecause: string | undefined;
};

export function shoutMessage(shout: Shout): ShoutMessage {
  return {
    shoutId: shout.shoutId,
    zone: shout.zone,
    body: shout.body,
    author: personMessage(shout.author),
    postedAt: shout.postedAtMs,
    goneAt: shout.goneAtMs,
    removedBecause: shout.removedBecause,
  };
}
