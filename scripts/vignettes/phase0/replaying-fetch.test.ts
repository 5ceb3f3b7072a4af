import assert from "node:assert/strict";
import { test } from "node:test";
import { replayingFetch, type Replay } from "./replaying-fetch.ts";

const REFUSED = '{"code":"refused_state"}';
const REPLAYED = { "idempotent-replayed": "true" };

test("a decided command is sent twice, and both answers are held against each other", async () => {
  const cases: [string, Answer, Answer, string | undefined][] = [
    ["alike", [200, "{1}"], [200, "{1}", REPLAYED], undefined],
    ["a refusal", [409, REFUSED], [409, REFUSED, REPLAYED], undefined],
    ["other bytes", [200, "{1}"], [200, "{2}", REPLAYED], "answered other bytes the second time"],
    ["another status", [201, "{1}"], [200, "{1}", REPLAYED], "answered 201, then 200"],
    ["done twice", [200, "{1}"], [200, "{1}"], "the second answer is not marked as replayed"],
  ];
  for (const [name, first, second, problem] of cases) {
    const told: Replay[] = [];
    const fetch = replayingFetch((replay) => told.push(replay), answering(first, second));
    const response = await fetch("http://127.0.0.1/x?y=1", COMMAND);
    assert.equal(await response.text(), first[1], name);
    assert.deepEqual(told, [{ command: "POST /x", status: first[0], problem }], name);
  }
});

test("what decides nothing is sent once", async () => {
  for (const [init, answer] of [
    [{ method: "POST" }, [200, "{1}"]],
    [COMMAND, [200, "{}"]],
    [COMMAND, [400, '{"code":"invalid_request"}']],
    [COMMAND, [503, '{"code":"unavailable"}']],
  ] as [RequestInit, Answer][]) {
    const fetch = replayingFetch(() => assert.fail("nothing was replayed"), answering(answer));
    assert.equal((await fetch("http://127.0.0.1/x", init)).status, answer[0]);
  }
});

type Answer = [status: number, text: string, headers?: Record<string, string>];

const COMMAND = { method: "POST", headers: { "idempotency-key": "k" } };

/** Rejects when it is asked more often than it has answers. */
function answering(...answers: Answer[]): typeof globalThis.fetch {
  return async () => {
    const [status, text, headers = {}] = answers.shift() ?? assert.fail("asked too often");
    return new Response(text, { status, headers });
  };
}
