import { createHash } from "node:crypto";

/** SQL that is prepared once per connection under its name. */
export type Statement = { readonly name: string; readonly text: string };

const NAME_BYTES_MAX = 63;

/**
 * A statement; the name is unique to its text, such as `runs.lock`, or empty for
 * SQL that is not worth keeping. PostgreSQL would silently cut a longer one.
 */
export function statement(name: string, text: string): Statement {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw new Error(
      `the statement name "${name}" has more than ${NAME_BYTES_MAX} bytes; choose a shorter one`,
    );
  }
  return { name, text };
}

/**
 * A data-modifying statement with `$1…$n`, to be merged with others into one.
 * The name must determine the text.
 */
export type Write = PlainWrite | RowsWrite;

type PlainWrite = {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  readonly rows?: false;
};

/** A write whose values are columns that it unnests: those of one name become one, with the rows of all. */
export type RowsWrite = {
  readonly name: string;
  readonly text: string;
  readonly values: readonly (readonly unknown[])[];
  readonly rows: true;
};

export type MergedWrites = { readonly statement: Statement; readonly values: readonly unknown[] };

type Known = { readonly texts: readonly string[]; readonly statement: Statement };

const knownByNames = new Map<string, Known>();

/** Combinations that each connection keeps prepared; rarer ones are planned each time. */
const KNOWN_MAX = 500;

/** The protocol counts parameters in 16 bits. */
const PARAMETERS_MAX = 65_535;

// Strings, quoted names and comments match first, so that a $1 inside one of them stays.
const PARAMETER = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\d+)/g;

/**
 * Merge writes into one statement, so that they cost one round trip.
 *
 * All writes see the same snapshot: none sees another's rows, and no two may
 * touch the same row. Constraints are checked after all of them. Throws when
 * together they carry more than 65 535 values.
 */
export function mergeWrites(all: readonly Write[]): MergedWrites {
  const writes = joinRows(all);
  const values = writes.flatMap((write) => write.values);
  if (values.length > PARAMETERS_MAX) {
    throw new Error(
      `the writes carry ${values.length} values but a statement at most ${PARAMETERS_MAX}; pass arrays with unnest`,
    );
  }
  return { statement: mergedStatement(writes), values };
}

function joinRows(writes: readonly Write[]): Write[] {
  const columnsByName = new Map<string, { readonly text: string; readonly columns: unknown[][] }>();
  return writes.flatMap((write): Write[] => {
    if (write.rows !== true) return [write];
    const known = columnsByName.get(write.name);
    if (known === undefined) {
      const columns = write.values.map((column) => [...column]);
      columnsByName.set(write.name, { text: write.text, columns });
      return [{ ...write, values: columns }];
    }
    if (known.text !== write.text) throw new Error(`two writes are named ${write.name} and differ`);
    for (const [index, column] of known.columns.entries()) column.push(...(write.values[index] ?? []));
    return [];
  });
}

function mergedStatement(writes: readonly Write[]): Statement {
  const key = writes.map((write) => `${write.name} ${write.values.length}`).join(",");
  const known = knownByNames.get(key);
  // Equal names do not prove equal texts, and another's statement would change the wrong rows.
  if (known !== undefined && writes.every((write, index) => write.text === known.texts[index])) {
    return known.statement;
  }
  const text = mergeTexts(writes);
  if (known !== undefined || knownByNames.size >= KNOWN_MAX) return statement("", text);
  const merged = statement(`w_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`, text);
  knownByNames.set(key, { texts: writes.map((write) => write.text), statement: merged });
  return merged;
}

function mergeTexts(writes: readonly Write[]): string {
  const [only] = writes;
  if (only !== undefined && writes.length === 1) return only.text;
  let offset = 0;
  const parts = writes.map((write, index) => {
    const from = offset;
    offset += write.values.length;
    const text = write.text.replaceAll(PARAMETER, (match: string, number: string | undefined) =>
      number === undefined ? match : `$${Number(number) + from}`,
    );
    // The line break ends a comment that the write may end with.
    return `w${index} AS (${text}${text.includes("--") ? "\n" : ""})`;
  });
  return `WITH ${parts.join(", ")} SELECT 1`;
}
