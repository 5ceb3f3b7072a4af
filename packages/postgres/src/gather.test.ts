import assert from "node:assert/strict";
import { test } from "node:test";
import { gatherReads } from "./index.ts";

test("reads of one turn share a statement, and each gets the row of its own key", async () => {
  const asked: (readonly number[])[] = [];
  const read = gatherReads(async (keys: readonly number[]) => {
    asked.push(keys);
    return keys.map((key) => (key === 2 ? undefined : key * 10));
  });
  assert.deepEqual(await Promise.all([1, 2, 3, 1].map(read)), [10, undefined, 30, 10]);
  assert.deepEqual(asked, [[1, 2, 3, 1]]);
});

test("whoever asks while statements run sees what was written before it asked", async () => {
  let value = 0;
  const sent: PromiseWithResolvers<void>[] = [];
  const read = gatherReads(async (keys: readonly string[]) => {
    const seen = value;
    const gate = Promise.withResolvers<void>();
    sent.push(gate);
    await gate.promise;
    return keys.map(() => seen);
  });
  const begun = async (count: number) => {
    while (sent.length < count) await new Promise(setImmediate);
  };
  const first = read("a");
  await begun(1);
  const second = read("a");
  await begun(2);
  value = 1;
  // Two run: this one waits, and may not be answered by them.
  const third = read("a");
  sent[0]?.resolve();
  assert.equal(await first, 0);
  await begun(3);
  for (const gate of sent) gate.resolve();
  assert.deepEqual(await Promise.all([second, third]), [0, 1]);
});

test("a statement that fails is told to all whose keys it read, and to nobody after them", async () => {
  let fails = true;
  const read = gatherReads(async (keys: readonly number[]) => {
    if (fails) throw new Error("the connection is gone");
    return keys;
  });
  const results = await Promise.allSettled([read(1), read(2)]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  fails = false;
  assert.equal(await read(3), 3);
});

test("no statement reads more than 128 keys, and no more than two run at once", async () => {
  let running = 0;
  let most = 0;
  const sizes: number[] = [];
  const read = gatherReads(async (keys: readonly number[]) => {
    most = Math.max(most, (running += 1));
    sizes.push(keys.length);
    await new Promise(setImmediate);
    running -= 1;
    return keys;
  });
  const keys = Array.from({ length: 400 }, (_, key) => key);
  assert.deepEqual(await Promise.all(keys.map(read)), keys);
  assert.deepEqual(sizes, [128, 128, 128, 16]);
  assert.equal(most, 2);
});
