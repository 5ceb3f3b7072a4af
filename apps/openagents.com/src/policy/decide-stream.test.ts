import assert from "node:assert/strict";
import { test } from "node:test";
import { FAMILIES, streamId, type StreamFamily } from "@openagents/streams";
import { decideStream } from "./decide-stream.ts";

const families = Object.keys(FAMILIES) as StreamFamily[];
const person = { id: "usr_1", kind: "user", org: "org_a", scopes: new Set(["revocations:read"]) } as const;
const service = { ...person, id: "svc_runtime", kind: "service" } as const;

test("a family may be asked for by anyone, since it reaches one's own only, but revocations are for services", () => {
  for (const family of families) {
    const expected = family === "revocations" ? "denied" : "allowed";
    assert.equal(decideStream(person, FAMILIES[family].pattern), expected, family);
  }
  assert.equal(decideStream(service, FAMILIES.revocations.pattern), "allowed");
  assert.equal(decideStream({ ...service, scopes: new Set() }, FAMILIES.revocations.pattern), "denied");
});

test("no single stream of anybody's is granted without asking, unless its name says whose it is", () => {
  for (const family of families) {
    if (!FAMILIES[family].pattern.includes("*")) continue;
    assert.notEqual(decideStream(person, streamId(family, "someone_else")), "allowed", family);
  }
  assert.equal(decideStream(person, "runtime.fleet.user.usr_1.workers"), "allowed");
  assert.equal(decideStream(person, "runtime.fleet.user.usr_2.workers"), "denied");
  assert.equal(decideStream(person, "control.approvals.user.usr_1"), "allowed");
  assert.equal(decideStream(person, "runtime.treasury.org.org_a"), "allowed");
  assert.equal(decideStream(person, "runtime.treasury.org.org_b"), "denied");
  assert.equal(decideStream(person, "runtime.run.run_1.events"), "ask_runtime");
  assert.equal(decideStream(person, "control.thread.thr_1.events"), "ask_control");
});

test("who acts for a person reads that person's streams", () => {
  const acting = { ...service, actingFor: "usr_1" };
  assert.equal(decideStream(acting, "control.approvals.user.usr_1"), "allowed");
  assert.equal(decideStream(acting, "control.approvals.user.svc_runtime"), "denied");
});

test("what is not in the grammar of streams is denied", () => {
  for (const text of ["", "*", "runtime.run.*", "run:x:worker_events", "runtime.run.a.b.events", "control.*"])
    assert.equal(decideStream(person, text), "denied", text);
});
