import { decodeCursor, encodeCursor, PAGE_DEFAULT } from "@openagents/service";
// Pages of a statement: lines from a time on and before another, newest first.

/** Where a line stands; of those of one millisecond, the key decides. */
export type Place = { readonly atMs: number; readonly key: string };

export type LinePage = {
  readonly fromMs: number;
  readonly before: Place;
  readonly limit: number;
};

export type ListedLine<Line> = { readonly line: Line; readonly place: Place };

type PageRequest = {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
};

/** `firstKey` sorts before every key of these lines, so that a line of the time `to` is left out. */
export async function pageOfLines<Line>(
  request: PageRequest,
  keys: { readonly pattern: string; readonly first: string },
  list: (page: LinePage) => Promise<ListedLine<Line>[]>,
): Promise<{ readonly lines: Line[]; readonly nextCursor: string | undefined }> {
  const limit = request.limit ?? PAGE_DEFAULT;
  const until: Place = { atMs: request.to ?? Number.MAX_SAFE_INTEGER, key: keys.first };
  const cursor = request.cursor === undefined ? undefined : placeOf(request.cursor, keys.pattern);
  // A cursor of a statement that was asked for until another time does not lead past this one's.
  const before = cursor === undefined || cursor.atMs >= until.atMs ? until : cursor;
  const found = await list({ fromMs: request.from ?? 0, before, limit: limit + 1 });
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return {
    lines: page.map(({ line }) => line),
    nextCursor: last === undefined ? undefined : encodeCursor(`${last.place.atMs}.${last.place.key}`),
  };
}

function placeOf(cursor: string, keyPattern: string): Place {
  const text = decodeCursor(cursor, new RegExp(`^[0-9]{1,15}[.]${keyPattern}$`));
  const [at = "", key = ""] = text.split(".");
  return { atMs: Number(at), key };
}
