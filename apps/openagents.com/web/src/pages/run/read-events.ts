import { Runs } from "@openagents/contracts";
import type { LoggedEvent } from "@openagents/ui";
import { client } from "../../api.ts";

/** All events of a run, in order. */
export async function readEvents(runId: string, signal: AbortSignal): Promise<readonly LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (;;) {
    const afterSeq = events.at(-1)?.seq ?? 0n;
    const page = await client(Runs).listRunEvents({ runId, afterSeq, limit: 500 }, { signal });
    events.push(...page.events);
    if (page.events.length === 0 || (events.at(-1)?.seq ?? 0n) >= page.latestSeq) return events;
  }
}
