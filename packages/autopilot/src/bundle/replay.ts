// REPLAY.jsonl, version 2, read strictly: every line canonical, the events
// without a gap, and the hash chain computed anew from what the lines say.

import { canonicalize, chainEvent, parseStrict, payloadHash, type JsonObject } from "@openagents/receipts";
import type { Problems } from "./claims.ts";
import { asObject, numberOf, objectOf, textOf } from "./json-view.ts";

export type ReplayEvent = { readonly seq: number; readonly eventType: string; readonly payload: JsonObject };

export type Replay = {
  readonly sessionId: string;
  readonly status: string;
  readonly throughSeq: number;
  /** `sha256:` and the head of the chain as computed. */
  readonly trajectoryHash: string;
  readonly createdAt: string;
  readonly endedAt: string;
  readonly events: readonly ReplayEvent[];
};

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  ReplayHeader: ["created_at", "event", "producer", "replay_version"],
  SessionStart: ["event", "session_id", "t"],
  RuntimeEvent: ["chain_sha256", "event", "event_type", "payload", "payload_hash", "seq", "session_id", "t"],
  SessionEnd: ["event", "session_id", "status", "t", "through_seq", "trajectory_hash"],
};

/** Throws when a line cannot be read at all; tells every other problem. */
export function readReplay(bytes: Buffer, problems: Problems): Replay {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (!text.endsWith("\n")) problems.add("the last line has no end");
  const lines = text.slice(0, -1).split("\n").map(parseLine);
  const [header, start, ...rest] = lines;
  const end = rest.pop();
  if (header === undefined || start === undefined || end === undefined)
    throw new Error("it has fewer than three lines");
  expectEvent(problems, header, 1, "ReplayHeader");
  expectEvent(problems, start, 2, "SessionStart");
  expectEvent(problems, end, lines.length, "SessionEnd");
  problems.same("the replay version", numberOf(header, "replay_version"), 2);
  problems.same("the producer", textOf(header, "producer"), "openagents-runtime");

  const sessionId = textOf(start, "session_id");
  const createdAt = textOf(start, "t");
  problems.same("the creation time", textOf(header, "created_at"), createdAt);
  let chain: string | undefined;
  let latest = createdAt;
  const events: ReplayEvent[] = [];
  for (const [index, line] of rest.entries()) {
    const where = `line ${index + 3}`;
    const recordedAt = textOf(line, "t");
    const event = {
      seq: index + 1,
      eventType: textOf(line, "event_type"),
      payload: objectOf(line, "payload"),
    };
    expectEvent(problems, line, index + 3, "RuntimeEvent");
    problems.same(`${where}: the session`, textOf(line, "session_id"), sessionId);
    problems.same(`${where}: the number`, numberOf(line, "seq"), event.seq);
    problems.same(`${where}: the payload hash`, textOf(line, "payload_hash"), payloadHash(event.payload));
    chain = chainEvent(chain, {
      seq: event.seq,
      event_type: event.eventType,
      payload: event.payload,
      recorded_at: recordedAt,
    });
    problems.same(`${where}: the chain`, textOf(line, "chain_sha256"), chain);
    if (recordedAt < latest) problems.add(`${where} is older than the line before`);
    latest = recordedAt;
    events.push(event);
  }
  const trajectoryHash = `sha256:${chain ?? "0".repeat(64)}`;
  problems.same("the session of the end", textOf(end, "session_id"), sessionId);
  problems.same("the number of the last event", numberOf(end, "through_seq"), events.length);
  problems.same("the trajectory hash", textOf(end, "trajectory_hash"), trajectoryHash);
  return {
    sessionId,
    status: textOf(end, "status"),
    throughSeq: events.length,
    trajectoryHash,
    createdAt,
    endedAt: textOf(end, "t"),
    events,
  };
}

function parseLine(line: string, index: number): JsonObject {
  const object = asObject(parseStrict(line));
  if (object === undefined || canonicalize(object) !== line) {
    throw new Error(`line ${index + 1} is not a JSON object in canonical form`);
  }
  return object;
}

function expectEvent(problems: Problems, line: JsonObject, number: number, event: string): void {
  const where = `line ${number}`;
  problems.same(`${where}: the event`, textOf(line, "event"), event);
  problems.same(`${where}: the members`, Object.keys(line).toSorted().join(), MEMBERS[event]?.join());
  const time = event === "ReplayHeader" ? textOf(line, "created_at") : textOf(line, "t");
  if (!TIME.test(time)) problems.add(`${where} has no time`);
}
