import assert from "node:assert/strict";
import { test } from "node:test";
import { createTimeline } from "./timeline.ts";

test("events run at their time, in the order in which they were planned, each in a millisecond of its own", async () => {
  const timeline = createTimeline(1_000);
  const ran: string[] = [];
  const note = (name: string) => async () => void ran.push(`${name} ${timeline.nowMs()}`);
  timeline.after(20, note("late"));
  timeline.after(5, note("first"));
  timeline.after(5, note("second"));
  await timeline.run(async () => undefined);
  assert.deepEqual(ran, ["first 1005", "second 1006", "late 1020"]);
});

test("what goes on beside runs in between, keeps nothing running, and can be called off", async () => {
  const timeline = createTimeline(0);
  let looks = 0;
  let callOff = () => {};
  const look = async () => {
    looks += 1;
    callOff = timeline.beside(10, look);
  };
  timeline.beside(10, look);
  let steps = 0;
  timeline.after(35, async () => undefined);
  await timeline.run(async () => void (steps += 1));
  assert.deepEqual([looks, steps], [3, 1]);
  callOff();
  await timeline.leap(100);
  assert.equal(looks, 3);
});

test("a leap runs what was due by then once, as after a sleep", async () => {
  const timeline = createTimeline(0);
  let looks = 0;
  const look = async () => {
    looks += 1;
    timeline.beside(10, look);
  };
  timeline.beside(10, look);
  await timeline.leap(1_000);
  assert.equal(looks, 1);
  assert.equal(timeline.nowMs(), 1_001);
});
