import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Feed, piecesOf, type Follower } from "./feed.ts";

const event = (seq: bigint) => ({ seq, payloadHash: "h", payload: "p", committedAtMs: 1n });

const follower = (cursor: bigint) => ({ cursor, moved: () => undefined }) satisfies Follower;

test("whoever follows gets the events behind its cursor once and in order, or must catch up; what is kept is bounded", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant("append"), fc.constant("forget"), fc.nat(3)), { maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      (steps, recentMax) => {
        const feed = new Feed("runtime.stats", 10n, recentMax);
        const cursors = [10n, 10n, 10n, 10n].map((cursor) => ({ ...follower(cursor), cursor }));
        for (const each of cursors) feed.followers.add(each);
        for (const step of steps) {
          if (step === "append") feed.append(event(feed.headSeq + 1n));
          else if (step === "forget") {
            feed.forget();
            assert.ok(!feed.covers(feed.headSeq - BigInt(recentMax) - 1n) || recentMax < 0);
          } else {
            const each = cursors[Number(step)];
            if (each === undefined || each.cursor === feed.headSeq || !feed.covers(each.cursor)) continue;
            const piece = feed.pieceAfter(each.cursor, feed.headSeq);
            assert.equal(piece.throughSeq, each.cursor + BigInt(piece.events));
            assert.equal(piece.throughSeq, feed.headSeq);
            each.cursor = piece.throughSeq;
          }
        }
      },
    ),
  );
});

test("an event that is not the next one is a broken invariant", () => {
  const feed = new Feed("runtime.stats", 1n, 10);
  feed.append(event(2n));
  assert.throws(() => feed.append(event(4n)));
  assert.throws(() => feed.append(event(2n)));
});

test("a piece ends where it is asked to, and equal pieces are one", () => {
  const feed = new Feed("runtime.stats", 0n, 10);
  for (let seq = 1n; seq <= 5n; seq++) feed.append(event(seq));
  assert.equal(feed.pieceAfter(1n, 3n).events, 2);
  assert.equal(feed.pieceAfter(1n, 99n), feed.pieceAfter(1n, 5n));
});

test("pieces hold every row once, and none is much larger than a message should be", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400_000), { maxLength: 20 }), (sizes) => {
      const pieces = [
        ...piecesOf(
          7n,
          sizes.map((size) => new Uint8Array(size + 1)),
        ),
      ];
      assert.equal(
        pieces.reduce((sum, { events }) => sum + events, 0),
        sizes.length,
      );
      assert.equal(pieces.at(-1)?.throughSeq ?? 7n, 7n + BigInt(sizes.length));
      for (const { change } of pieces) assert.ok(change.length < 256 * 1024 + 400_000 + 1_000);
    }),
  );
});
