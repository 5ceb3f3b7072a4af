// The demonstration's run as any screen would see it: its events as the sync
// lane delivers them, and not as this process happens to know them.

import type { RunDeps } from "@openagents/autopilot";
import type { JsonObject } from "@openagents/contracts";
import type { Context } from "../context.ts";
import { clientOf, type Place } from "../place/index.ts";
import { followRunEvents } from "../runs/index.ts";
import { fit, printable, type StepList, type Style } from "../terminal/index.ts";

const LINE_COLUMNS_MAX = 110;

/** How long what was committed last may be on its way. */
const LAST_EVENTS_MS = 5_000;

export type RunWatch = Required<Pick<RunDeps, "onOpen">> & {
  /** Resolves when all was shown; after some seconds without the end it stops waiting. */
  end(): Promise<void>;
  readonly shown: number;
};

export function watchRun(
  context: Context,
  place: Place,
  dataDir: string,
  steps: StepList,
  style: Style,
): RunWatch {
  const stopped = new AbortController();
  let shown = 0;
  let watching: Promise<void> = Promise.resolve();
  return {
    onOpen(runId) {
      steps.line(style.dim(`  run ${runId}, live over ${place.record.syncUrl}`));
      const connection = { record: place.record, client: clientOf(context, place) };
      const run = { runId, forkSeq: undefined };
      watching = followRunEvents(context, { dataDir }, connection, {
        run,
        afterSeq: 0n,
        signal: stopped.signal,
        show(event) {
          shown += 1;
          const text = `${event.seq} ${event.eventType} ${whatItSays(event.payload)}`;
          steps.line(style.dim(`    ◦ ${fit(printable(text), LINE_COLUMNS_MAX)}`));
        },
      }).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        steps.line(style.yellow(`    ◦ the sync lane ended: ${printable(why)}`));
      });
    },
    async end() {
      const timer = setTimeout(() => stopped.abort(), LAST_EVENTS_MS);
      await watching;
      clearTimeout(timer);
    },
    get shown() {
      return shown;
    },
  };
}

/** An agent's words as they are, and everything else as data. */
function whatItSays(payload: JsonObject): string {
  const { text, summary } = payload;
  if (typeof text === "string") return text;
  return typeof summary === "string" ? summary : JSON.stringify(payload);
}
