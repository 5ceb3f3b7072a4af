// The chain at some of the numbers that this client passed, so that what the
// public log says of a number in between can be held against it (`prove.ts`).

import type { Cursor } from "./apply.ts";

export type ChainMark = Pick<Cursor, "seq" | "chainHash">;

/** A proof reads at most so many events, or one batch more, again. */
const STRIDE = 1_000n;
const MARKS_MAX = 1_000;

export type ChainMarks = {
  /** The last mark at or before a number, and the first one at or after it. */
  around(seq: bigint): { readonly before: ChainMark | undefined; readonly after: ChainMark | undefined };
  pass(cursor: Cursor): void;
  /** The chain begins anew at the next one. */
  clear(): void;
};

export function createChainMarks(): ChainMarks {
  let marks: ChainMark[] = [];
  return {
    around(seq) {
      return {
        before: marks.findLast((mark) => mark.seq <= seq),
        after: marks.find((mark) => mark.seq >= seq),
      };
    },
    pass({ seq, chainHash }) {
      const last = marks.at(-1);
      if (last !== undefined && seq < last.seq + STRIDE) return;
      marks.push({ seq, chainHash });
      if (marks.length > MARKS_MAX) marks = marks.slice(MARKS_MAX / 2);
    },
    clear() {
      marks = [];
    },
  };
}
