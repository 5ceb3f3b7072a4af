// One call of the reducer `append_sync_event` on a SpacetimeDB server, and what
// its answer means. The server numbers events by itself; saying which number is
// expected makes it refuse what would leave a gap.

import type { SpacetimeSettings } from "../config.ts";
import { idempotencyKeyOf, type StreamEvent } from "@openagents/streams";

export type Appended =
  | { readonly kind: "appended" }
  /** The server has another number in turn: less than ours, and it misses some; more, and it has this one. */
  | { readonly kind: "conflict"; readonly nextSeq: bigint }
  | { readonly kind: "failed"; readonly failure: Failure; readonly detail: string };

/** `rejected`: the same call will be refused again. The others pass. */
export type Failure = "unauthorized" | "rate_limited" | "rejected" | "unreachable";

export const FAILURES = ["unauthorized", "rate_limited", "rejected", "unreachable"] as const;

const TIMEOUT_MS = 10_000;

const DETAIL_LENGTH_MAX = 500;

/** Send an event. A repeat of one that arrived is answered like the first, by its key. */
export async function appendEvent(
  settings: SpacetimeSettings,
  event: StreamEvent,
  signal: AbortSignal,
): Promise<Appended> {
  const url = `${settings.url}/v1/database/${encodeURIComponent(settings.database)}/call/append_sync_event`;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(settings.token === undefined ? {} : { authorization: `Bearer ${settings.token}` }),
      },
      body: argumentsOf(event),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = (await response.text()).slice(0, DETAIL_LENGTH_MAX);
    return response.ok ? { kind: "appended" } : readRefusal(response.status, text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: "failed", failure: "unreachable", detail };
  }
}

/** In the reducer's order. 64-bit numbers are JSON numbers here, so they are written and not computed. */
function argumentsOf({ streamId, seq, payloadHash, payload, committedAtMs }: StreamEvent): string {
  const texts = [streamId, idempotencyKeyOf(streamId, seq), payloadHash, payload];
  return `[${texts.map((text) => JSON.stringify(text)).join(",")},${committedAtMs},${seq},true,${seq}]`;
}

/** What a refusal means. Pure. */
export function readRefusal(status: number, text: string): Appended {
  const conflict = /sequence_conflict expected_next_seq=[0-9]+ actual_next_seq=([0-9]{1,18})/.exec(text);
  if (conflict?.[1] !== undefined) return { kind: "conflict", nextSeq: BigInt(conflict[1]) };
  return { kind: "failed", failure: failureOf(status), detail: `${status}: ${text}` };
}

/** SpacetimeDB answers 530 for an error that the reducer itself threw. */
function failureOf(status: number): Failure {
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 429) return "rate_limited";
  return status >= 500 && status !== 530 ? "unreachable" : "rejected";
}
