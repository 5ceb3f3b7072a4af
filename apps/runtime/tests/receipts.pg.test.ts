// Receipts are listed by what they are about, by kind, and by time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";

const START_MS = Date.UTC(2026, 5, 1);
const HOUR_MS = 3_600_000;
const SCHEMA = "openagents.treasury.demo_grant.v1";

type Listed = {
  readonly receipts: readonly { readonly receipt: { readonly occurred_at: string } }[];
  readonly next_cursor?: string;
};

async function list(runtime: Harness, query: string): Promise<Listed> {
  const answer = await runtime.get(`/internal/v1/receipts?${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** Hours after the start, newest first, over all pages. */
async function hours(runtime: Harness, query: string): Promise<number[]> {
  const found: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(runtime, `${query}&limit=2${cursor === undefined ? "" : `&cursor=${cursor}`}`);
    found.push(...page.receipts.map(({ receipt }) => (Date.parse(receipt.occurred_at) - START_MS) / HOUR_MS));
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}

const at = (hour: number) => new Date(START_MS + hour * HOUR_MS).toISOString();

test("a span of time has what occurred at its beginning and not at its end, in pages, however it is filtered", async (t) => {
  const clock = manualClock(START_MS);
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  // Two at each hour, so that a page ends between equals.
  for (let hour = 0; hour < 6; hour += 1) {
    for (const amount of [1, 2]) {
      const granted = await runtime.post("/internal/v1/treasury/demo-grants", {
        amount_msats: amount,
        memo: "",
      });
      assert.equal(granted.status, 201, granted.text);
    }
    clock.advance(HOUR_MS);
  }
  assert.deepEqual(await hours(runtime, `schema=${SCHEMA}`), [5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
  const span = `from=${at(1)}&to=${at(4)}`;
  assert.deepEqual(await hours(runtime, `${span}&schema=${SCHEMA}`), [3, 3, 2, 2, 1, 1]);
  assert.deepEqual(await hours(runtime, span), [3, 3, 2, 2, 1, 1]);
  assert.deepEqual(await hours(runtime, `from=${at(5)}`), [5, 5]);
  assert.deepEqual(await hours(runtime, `to=${at(1)}`), [0, 0]);
  assert.deepEqual(await hours(runtime, `from=${at(7)}`), []);
});

test("a span that ends before it begins, and a cursor of nobody, are refused by name", async (t) => {
  const runtime = await startHarness(t);
  const empty = await runtime.get(`/internal/v1/receipts?from=${at(2)}&to=${at(2)}`);
  assert.deepEqual([empty.status, empty.json.field_errors[0].field], [400, "to"]);
  const foreign = await runtime.get(
    `/internal/v1/receipts?cursor=${Buffer.from("12").toString("base64url")}`,
  );
  assert.deepEqual([foreign.status, foreign.json.field_errors[0].code], [400, "cursor_invalid"]);
  const broken = await runtime.get("/internal/v1/receipts?from=yesterday");
  assert.equal(broken.status, 400, broken.text);
});
