import { createHash } from "node:crypto";

/** SQL that is prepared once per connection under its name. */
export type Statement = { readonly name: string; readonly text: string };

/** A statement; the name is unique to its text, such as `runs.lock`. */
export function statement(name: string, text: string): Statement {
  return { name, text };
}

/**
 * A data-modifying statement with `$1…$n`, to be merged with others into one.
 * The name must determine the text.
 */
export type Write = { readonly name: string; readonly text: string; readonly values: readonly unknown[] };

type Merged = { readonly statement: Statement; readonly values: readonly unknown[] };

const mergedTexts = new Map<string, Statement>();

/**
 * Merge writes into one statement, so that they cost one round trip.
 *
 * All writes see the same snapshot: none sees another's rows, and no two may
 * touch the same row. Constraints are checked after all of them.
 */
export function mergeWrites(writes: readonly Write[]): Merged {
  const values = writes.flatMap((write) => write.values);
  const key = writes.map((write) => write.name).join("+");
  let merged = mergedTexts.get(key);
  if (merged === undefined) {
    const text = mergeTexts(writes);
    merged = statement(`w_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`, text);
    mergedTexts.set(key, merged);
  }
  return { statement: merged, values };
}

function mergeTexts(writes: readonly Write[]): string {
  const [only] = writes;
  if (only !== undefined && writes.length === 1) return only.text;
  let offset = 0;
  const parts = writes.map((write, index) => {
    const from = offset;
    offset += write.values.length;
    return `w${index} AS (${write.text.replaceAll(/\$([0-9]+)/g, (_, n: string) => `$${Number(n) + from}`)})`;
  });
  return `WITH ${parts.join(", ")} SELECT 1`;
}
