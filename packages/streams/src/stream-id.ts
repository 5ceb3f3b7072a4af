// The names of streams: one grammar for who publishes, who grants and who reads.
//
// A name tells its family, and with that how long its events are kept and whose
// it may be. Ids inside of a name hold no dot, so that a name reads one way only.

/** How long events are kept: for ever, or only the newest of them. */
export type Retention = "permanent" | { readonly newestEvents: number };

export type StreamFamily = keyof typeof FAMILIES;

/** The service in whose database a stream is written, with what it tells of. */
export type StreamOwner = "runtime" | "control";

type Family = {
  /** With `*` where the id stands; one without an id is one stream. */
  readonly pattern: string;
  readonly owner: StreamOwner;
  readonly retention: Retention;
};

/** Runs, money and rights are kept for ever; presence, progress and statistics are not. */
export const FAMILIES = {
  run: { pattern: "runtime.run.*.events", owner: "runtime", retention: "permanent" },
  worker: { pattern: "runtime.worker.*.lifecycle", owner: "runtime", retention: "permanent" },
  fleet_user: {
    pattern: "runtime.fleet.user.*.workers",
    owner: "runtime",
    retention: { newestEvents: 10_000 },
  },
  fleet_guest: {
    pattern: "runtime.fleet.guest.*.workers",
    owner: "runtime",
    retention: { newestEvents: 10_000 },
  },
  worker_events: {
    pattern: "runtime.codex.worker.events.*",
    owner: "control",
    retention: { newestEvents: 100_000 },
  },
  treasury: { pattern: "runtime.treasury.org.*", owner: "runtime", retention: "permanent" },
  stats: { pattern: "runtime.stats", owner: "runtime", retention: { newestEvents: 10_000 } },
  approvals: { pattern: "control.approvals.user.*", owner: "control", retention: "permanent" },
  thread: { pattern: "control.thread.*.events", owner: "control", retention: { newestEvents: 100_000 } },
  revocations: { pattern: "control.revocations", owner: "control", retention: "permanent" },
} as const satisfies Readonly<Record<string, Family>>;

/** What a stream's name says. `id` is empty for a family that is one stream. */
export type StreamName = { readonly family: StreamFamily; readonly id: string };

/** Ids of runs, workers, users, organisations. A worker's id may hold colons. */
const ID = /^[0-9A-Za-z_:-]{1,120}$/;

export const STREAM_ID_LENGTH_MAX = 160;

/** The name of a stream. Throws when the id holds what no id may hold. */
export function streamId(family: StreamFamily, id = ""): string {
  const { pattern } = FAMILIES[family];
  if (!pattern.includes("*")) {
    if (id !== "") throw new Error(`${pattern} is one stream and has no id`);
    return pattern;
  }
  if (!ID.test(id)) throw new Error(`"${id}" cannot be the id of a stream ${pattern}`);
  return pattern.replace("*", id);
}

/** Undefined for what is not the name of a stream. */
export function parseStreamId(text: string): StreamName | undefined {
  if (text.length > STREAM_ID_LENGTH_MAX) return undefined;
  for (const [family, start, end] of PARTS) {
    if (end === undefined) {
      if (text === start) return { family, id: "" };
      continue;
    }
    if (!text.startsWith(start) || !text.endsWith(end)) continue;
    const id = text.slice(start.length, text.length - end.length);
    if (ID.test(id)) return { family, id };
  }
  return undefined;
}

/** How long the events of a stream are kept. Throws for what is not the name of a stream. */
export function retentionOf(id: string): Retention {
  const name = parseStreamId(id);
  if (name === undefined) throw new Error(`"${id}" is not the name of a stream`);
  return FAMILIES[name.family].retention;
}

/** Who writes a stream. Throws for what is not the name of a stream. */
export function ownerOf(id: string): StreamOwner {
  const name = parseStreamId(id);
  if (name === undefined) throw new Error(`"${id}" is not the name of a stream`);
  return FAMILIES[name.family].owner;
}

const PARTS = (Object.entries(FAMILIES) as [StreamFamily, Family][]).map(([family, { pattern }]) => {
  const [start = "", end] = pattern.split("*");
  return [family, start, end] as const;
});
