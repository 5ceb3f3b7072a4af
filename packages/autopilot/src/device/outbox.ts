// What a turn tells, on disk before it is sent, so that a process killed at any
// moment loses nothing of it and sends nothing of it twice.
//
// OUT-1  An event is on disk before whoever told it goes on.
// OUT-2  Events are sent in their order, and a batch that may have been sent is sent again as it was, under its key.
// Held by apps/openagents.com/tests/device-run.pg.test.ts.

import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CodexWorkerEventDraft, JsonObject } from "@openagents/contracts";
import { writeDurably } from "../write-durably.ts";

/** A turn's event, but for the request that it belongs to. */
export type TurnTold = {
  readonly eventType: CodexWorkerEventDraft["eventType"];
  readonly itemId?: string;
  readonly text?: string;
  readonly payload: JsonObject;
};

export type Outbox = {
  /** How many events there are. */
  readonly count: number;
  /** The newest; right after opening, what an earlier process told last. */
  readonly last: TurnTold | undefined;
  append(event: TurnTold): Promise<void>;
  /** Send all that is there, in batches. */
  flush(send: (events: readonly TurnTold[], key: string) => Promise<void>): Promise<void>;
};

const BATCH_MAX = 64;

type Progress = {
  /** Events that were taken. */
  readonly sent: number;
  /** Up to which event the next batch goes, once it may have been sent. */
  readonly sending?: number;
};

export async function openOutbox(folder: string): Promise<Outbox> {
  const file = join(folder, "events.jsonl");
  const progressFile = join(folder, "sent.json");
  const events = linesOf(await readIfThere(file));
  let progress: Progress = JSON.parse((await readIfThere(progressFile)) || '{"sent":0}') as Progress;
  let flushing: Promise<void> = Promise.resolve();

  const save = async (next: Progress) => {
    await writeDurably(progressFile, JSON.stringify(next));
    progress = next;
  };

  async function sendAll(send: (events: readonly TurnTold[], key: string) => Promise<void>): Promise<void> {
    while (progress.sent < events.length) {
      const through = progress.sending ?? Math.min(events.length, progress.sent + BATCH_MAX);
      if (progress.sending === undefined) await save({ sent: progress.sent, sending: through });
      await send(events.slice(progress.sent, through), `events:${progress.sent}`);
      await save({ sent: through });
    }
  }

  return {
    get count() {
      return events.length;
    },
    get last() {
      return events.at(-1);
    },
    async append(event) {
      await using handle = await open(file, "a", 0o600);
      await handle.writeFile(`${JSON.stringify(event)}\n`);
      await handle.datasync();
      events.push(event);
    },
    flush(send) {
      // One after the other: two senders would mix the order.
      flushing = flushing.catch(() => undefined).then(() => sendAll(send));
      return flushing;
    },
  };
}

async function readIfThere(file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return "";
    throw cause;
  });
}

/** A line that a killed process did not finish was never told. */
function linesOf(text: string): TurnTold[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as TurnTold);
}
