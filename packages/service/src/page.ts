// Cursors of lists: opaque to callers, the last key of the page to us.

import { invalidField } from "./problems.ts";

export function encodeCursor(key: string): string {
  return Buffer.from(key, "utf8").toString("base64url");
}

/** Throws 400 when the cursor is not one of ours. */
export function decodeCursor(cursor: string, pattern: RegExp): string {
  const key = Buffer.from(cursor, "base64url").toString("utf8");
  if (!pattern.test(key) || encodeCursor(key) !== cursor) {
    throw invalidField(
      "cursor",
      "cursor_invalid",
      "The cursor is not one that a list answered. Start without it.",
    );
  }
  return key;
}

export const PAGE_DEFAULT = 50;

/** A page of what was read one longer than it, and the cursor behind it where more follows. */
export function pageOf<Item>(
  found: readonly Item[],
  limit: number,
  keyOf: (item: Item) => string,
): { readonly items: readonly Item[]; readonly nextCursor: string | undefined } {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? undefined : encodeCursor(keyOf(last)) };
}
