// Tells those who deliver which streams have new events: one notification for
// all that commits within a few milliseconds, over no transaction of a command,
// because NOTIFY inside of each halves what the database can commit. A lost one
// costs time only: who delivers looks at the heads by itself, too.

import type { Database } from "@openagents/postgres";

export const STREAMS_CHANNEL = "openagents_streams";

/** What of a commit is waited for, so that a busy second makes hundreds of notifications and not thousands. */
const GATHER_MS = 4;

/** PostgreSQL takes less than 8000 bytes. */
const PAYLOAD_LENGTH_MAX = 7_900;

/** Where losses are told; a service's logger is one. */
type AnnouncerLog = { debug(facts: object, message: string): void };

export type Announcer = AsyncDisposable & {
  announce(streamIds: ReadonlySet<string>): void;
  /** Every stream that was announced since this was last asked. */
  takeChanged(): ReadonlySet<string>;
};

export function startAnnouncer({
  db,
  log,
}: {
  readonly db: Database;
  readonly log: AnnouncerLog;
}): Announcer {
  let waiting = new Set<string>();
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();

  async function send(streamIds: ReadonlySet<string>): Promise<void> {
    try {
      for (const payload of payloadsOf(streamIds)) await db.notify(STREAMS_CHANNEL, payload);
    } catch (error) {
      log.debug({ err: error }, "streams were not announced; they are found by looking");
    }
  }

  function flush(): void {
    timer = undefined;
    const streamIds = waiting;
    waiting = new Set();
    sending = sending.then(() => send(streamIds));
  }

  return {
    announce(streamIds) {
      for (const id of streamIds) {
        waiting.add(id);
        changed.add(id);
      }
      timer ??= setTimeout(flush, GATHER_MS);
    },
    takeChanged() {
      const taken = changed;
      changed = new Set();
      return taken;
    },
    async [Symbol.asyncDispose]() {
      if (timer !== undefined) {
        clearTimeout(timer);
        flush();
      }
      await sending;
    },
  };
}

/** The names, each on a line, in as few texts as PostgreSQL takes. */
export function payloadsOf(streamIds: ReadonlySet<string>): string[] {
  const payloads: string[] = [];
  let lines: string[] = [];
  let length = 0;
  for (const id of streamIds) {
    if (length + id.length + 1 > PAYLOAD_LENGTH_MAX) {
      payloads.push(lines.join("\n"));
      lines = [];
      length = 0;
    }
    lines.push(id);
    length += id.length + 1;
  }
  if (lines.length > 0) payloads.push(lines.join("\n"));
  return payloads;
}
