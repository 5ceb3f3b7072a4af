import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chainStream, hashPayload, type StreamEvent } from "@openagents/streams";
import {
  CURSOR_START,
  TRANSITIONS,
  advance,
  classify,
  installAt,
  takeBatch,
  type Cursor,
  type Input,
  type Phase,
  type Transition,
} from "./apply.ts";

const STREAM = "runtime.run.run_1.events";

function eventOf(seq: bigint, payload = `{"n":${seq}}`): StreamEvent {
  return { streamId: STREAM, seq, payloadHash: hashPayload(payload), payload, committedAtMs: 0 };
}

function eventsThrough(count: number): StreamEvent[] {
  return Array.from({ length: count }, (_, index) => eventOf(BigInt(index + 1)));
}

function cursorAfter(events: readonly StreamEvent[]): Cursor {
  return events.reduce(advance, CURSOR_START);
}

const PHASES = Object.keys(TRANSITIONS) as Phase[];
const INPUTS = Object.keys(TRANSITIONS.live) as Input[];

test("every input has an answer in every phase, and each phase is reached (A-6: none from stopped)", () => {
  const reached = new Set<Phase>(["detached"]);
  for (const phase of PHASES) {
    assert.deepEqual(Object.keys(TRANSITIONS[phase]).sort(), [...INPUTS].sort(), phase);
    for (const [next] of Object.values(TRANSITIONS[phase])) reached.add(next);
  }
  assert.deepEqual([...reached].sort(), [...PHASES].sort());
  for (const input of INPUTS) assert.equal(TRANSITIONS.stopped[input][0], "stopped", input);
  for (const phase of PHASES) assert.equal(TRANSITIONS[phase].stop[0], "stopped", phase);
});

test("only the next event is ever applied, and only where a session delivers (A-2)", () => {
  for (const phase of PHASES) {
    for (const input of INPUTS) {
      const [, effect] = TRANSITIONS[phase][input];
      if (effect === "apply") assert.ok(input === "next" && (phase === "replaying" || phase === "live"));
      if (effect === "install") assert.ok(input === "snapshot" && phase === "stale");
    }
  }
});

test("a gap asks for a replay and a wrong hash stops the stream, wherever events are applied (A-2, A-3)", () => {
  for (const phase of ["replaying", "live"] as const) {
    assert.deepEqual(TRANSITIONS[phase].gap, ["replaying", "replay"]);
    assert.deepEqual(TRANSITIONS[phase].corrupt, ["failed", "report"]);
    assert.deepEqual(TRANSITIONS[phase].below_floor, ["stale", "read_snapshot"]);
  }
});

test("a failed stream goes on only after a retry, and from its cursor by a replay", () => {
  for (const input of INPUTS) {
    const [next] = TRANSITIONS.failed[input];
    assert.equal(next, input === "retry" ? "detached" : input === "stop" ? "stopped" : "failed", input);
  }
  assert.deepEqual(TRANSITIONS.detached.attached, ["replaying", "replay"]);
});

test("what an event is: known, too far, not what its hash says, or the next one, in this order", () => {
  const cursor = cursorAfter(eventsThrough(5));
  const wrong = (seq: bigint) => ({ ...eventOf(seq), payload: "{}" });
  assert.equal(classify(STREAM, cursor, eventOf(5n)), "duplicate");
  assert.equal(classify(STREAM, cursor, wrong(5n)), "duplicate");
  assert.equal(classify(STREAM, cursor, eventOf(7n)), "gap");
  assert.equal(classify(STREAM, cursor, wrong(7n)), "gap");
  assert.equal(classify(STREAM, cursor, wrong(6n)), "corrupt");
  assert.equal(classify(STREAM, cursor, { ...eventOf(6n), streamId: "runtime.stats" }), "corrupt");
  assert.equal(classify(STREAM, cursor, eventOf(6n)), "next");
});

test("a gap keeps the cursor where it is: what is missing is never jumped over (A-3)", () => {
  const start = cursorAfter(eventsThrough(22));
  const batch = takeBatch(STREAM, start, [eventOf(25n), eventOf(26n)]);
  assert.deepEqual(batch, { events: [], cursor: start, duplicates: 0, end: "gap", endSeq: 25n });
});

test("a snapshot leads forward or nowhere, and the chain goes on from its own (A-1, A-5)", () => {
  const cursor = cursorAfter(eventsThrough(5));
  assert.equal(installAt(cursor, 4n, "aa"), undefined);
  assert.deepEqual(installAt(cursor, 9n, "aa"), { seq: 9n, chainHash: "aa", baseSeq: 9n });
});

test("however often, in whatever order and damaged how ever it is delivered: each event once, in order (A-1…A-4, A-7)", () => {
  const delivery = fc.record({
    count: fc.integer({ min: 1, max: 40 }),
    picks: fc.array(
      fc.record({
        at: fc.nat(),
        length: fc.integer({ min: 1, max: 8 }),
        fault: fc.constantFrom("none", "none", "reversed", "damaged", "doubled"),
      }),
      { maxLength: 60 },
    ),
  });
  fc.assert(
    fc.property(delivery, ({ count, picks }) => {
      const all = eventsThrough(count);
      const applied: StreamEvent[] = [];
      let cursor = CURSOR_START;
      const deliver = (events: readonly StreamEvent[]) => {
        const before = cursor;
        const batch = takeBatch(STREAM, cursor, events);
        applied.push(...batch.events);
        cursor = batch.cursor;
        assert.equal(cursor.seq, before.seq + BigInt(batch.events.length));
        assert.equal(BigInt(applied.length), cursor.seq);
      };
      for (const { at, length, fault } of picks) {
        const from = at % count;
        const part = all.slice(from, from + length);
        if (fault === "reversed") part.reverse();
        if (fault === "doubled") part.push(...part);
        deliver(fault === "damaged" ? part.map((event) => ({ ...event, payload: "{}" })) : part);
      }
      // A replay from the cursor brings what is left.
      deliver(all.slice(Number(cursor.seq)));
      assert.deepEqual(applied, all);
      assert.equal(
        cursor.chainHash,
        all.reduce(
          (chain, { seq, payloadHash }) => chainStream(chain, seq, payloadHash),
          CURSOR_START.chainHash,
        ),
      );
    }),
  );
});

test("no way through the table applies, installs or goes on behind its end (A-6), however inputs come", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...INPUTS), { maxLength: 40 }), (inputs) => {
      let phase: Phase = "detached";
      let sawSnapshotDue = false;
      for (const input of inputs) {
        const before: Phase = phase;
        const [next, effect]: Transition = TRANSITIONS[phase][input];
        if (effect === "read_snapshot") sawSnapshotDue = true;
        if (effect === "install") assert.ok(sawSnapshotDue, "a snapshot that nobody needed is not installed");
        if (before === "stopped") assert.ok(next === "stopped" && (effect === "none" || effect === "drop"));
        phase = next;
      }
    }),
  );
});
