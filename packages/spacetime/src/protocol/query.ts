// The queries that this module takes, as data and as text.
//
// There is no other SQL here: a query names its table and the key of what it
// wants, so that each is one read of an index. Both the plain form and that of
// generated clients, with quoted names and parentheses, are read.

import { MODULE_NAME, type TableName } from "./module.ts";

export type Query =
  | {
      readonly table: "sync_event";
      readonly streamId: string;
      /** Events behind this one. */
      readonly afterSeq: bigint;
      /** Up to and with this one; absent: all that there are and will be. */
      readonly throughSeq?: bigint;
    }
  | { readonly table: "stream_head"; readonly streamId: string }
  | { readonly table: "stream_checkpoint"; readonly clientId: string; readonly streamId?: string }
  | { readonly table: "active_connection" | "nostr_presence_claim"; readonly identityHex: string };

export function formatQuery(query: Query): string {
  const where: string[] = [];
  switch (query.table) {
    case "sync_event":
      where.push(`stream_id = ${textLiteral(query.streamId)}`, `seq > ${query.afterSeq}`);
      if (query.throughSeq !== undefined) where.push(`seq <= ${query.throughSeq}`);
      break;
    case "stream_head":
      where.push(`stream_id = ${textLiteral(query.streamId)}`);
      break;
    case "stream_checkpoint":
      where.push(`client_id = ${textLiteral(query.clientId)}`);
      if (query.streamId !== undefined) where.push(`stream_id = ${textLiteral(query.streamId)}`);
      break;
    case "active_connection":
    case "nostr_presence_claim":
      where.push(`identity = 0x${query.identityHex}`);
  }
  return `SELECT * FROM ${query.table} WHERE ${where.join(" AND ")}`;
}

/** What is possible, for whoever asked for something else. */
export const QUERY_HELP =
  `${MODULE_NAME} takes SELECT * FROM sync_event WHERE stream_id = '…' AND seq > N [AND seq <= M]; ` +
  "stream_head WHERE stream_id = '…'; stream_checkpoint WHERE client_id = '…' [AND stream_id = '…']; " +
  "active_connection or nostr_presence_claim WHERE identity = 0x…";

const QUERY_LENGTH_MAX = 2_000;

/** Undefined for every other text. */
export function parseQuery(text: string): Query | undefined {
  const tokens = text.length > QUERY_LENGTH_MAX ? undefined : tokensOf(text);
  if (tokens === undefined) return undefined;
  const [select, star, from, table, where, ...rest] = tokens;
  if (!isWord(select, "SELECT") || star !== "*" || !isWord(from, "FROM")) return undefined;
  const name = nameOf(table);
  if (name === undefined || !isWord(where, "WHERE")) return undefined;
  const conditions = conditionsOf(rest, name);
  return conditions === undefined ? undefined : queryOf(name, conditions);
}

type Condition = { readonly column: string; readonly operator: string; readonly literal: string };

function queryOf(table: string, conditions: readonly Condition[]): Query | undefined {
  const take = taker(conditions);
  switch (table as TableName) {
    case "sync_event": {
      const streamId = take.text("stream_id");
      const after = take.number("seq", ">");
      const from = take.number("seq", ">=");
      const through = take.number("seq", "<=");
      const afterSeq = after ?? (from === undefined ? 0n : from === 0n ? 0n : from - 1n);
      if (streamId === undefined || (after !== undefined && from !== undefined) || !take.isDone())
        return undefined;
      return {
        table: "sync_event",
        streamId,
        afterSeq,
        ...(through === undefined ? {} : { throughSeq: through }),
      };
    }
    case "stream_head": {
      const streamId = take.text("stream_id");
      return streamId === undefined || !take.isDone() ? undefined : { table: "stream_head", streamId };
    }
    case "stream_checkpoint": {
      const clientId = take.text("client_id");
      const streamId = take.text("stream_id");
      if (clientId === undefined || !take.isDone()) return undefined;
      return { table: "stream_checkpoint", clientId, ...(streamId === undefined ? {} : { streamId }) };
    }
    case "active_connection":
    case "nostr_presence_claim": {
      const identityHex = take.hex("identity");
      if (identityHex === undefined || !take.isDone()) return undefined;
      return { table: table as "active_connection" | "nostr_presence_claim", identityHex };
    }
    default:
      return undefined;
  }
}

/** Each condition is taken once; what is left over or named twice spoils the query. */
function taker(conditions: readonly Condition[]) {
  const left = [...conditions];
  const take = (column: string, operator: string): string | undefined => {
    const index = left.findIndex((one) => one.column === column && one.operator === operator);
    return index === -1 ? undefined : left.splice(index, 1)[0]?.literal;
  };
  return {
    text(column: string) {
      const literal = take(column, "=");
      return literal?.startsWith("'") === true ? literal.slice(1, -1).replaceAll("''", "'") : undefined;
    },
    number(column: string, operator: string) {
      const literal = take(column, operator);
      return literal !== undefined && /^[0-9]{1,19}$/.test(literal) ? BigInt(literal) : undefined;
    },
    hex(column: string) {
      const literal = take(column, "=")?.toLowerCase();
      return literal !== undefined && /^0x[0-9a-f]{64}$/.test(literal) ? literal.slice(2) : undefined;
    },
    isDone: () => left.length === 0,
  };
}

/** Conditions joined by AND, each perhaps in parentheses, all of columns of the table. */
function conditionsOf(tokens: readonly string[], table: string): Condition[] | undefined {
  const conditions: Condition[] = [];
  let at = 0;
  const next = () => tokens[at++];
  for (;;) {
    let open = 0;
    while (tokens[at] === "(") {
      at += 1;
      open += 1;
    }
    let column = nameOf(next());
    if (tokens[at] === ".") {
      if (column !== table) return undefined;
      at += 1;
      column = nameOf(next());
    }
    const operator = next();
    const literal = next();
    if (column === undefined || operator === undefined || literal === undefined) return undefined;
    conditions.push({ column, operator, literal });
    while (open > 0 && tokens[at] === ")") {
      at += 1;
      open -= 1;
    }
    if (open > 0) return undefined;
    if (at === tokens.length) return conditions;
    if (!isWord(next(), "AND")) return undefined;
  }
}

const TOKEN = /\s+|"[a-z_]+"|[A-Za-z_]+|'(?:[^']|'')*'|0[xX][0-9A-Fa-f]+|[0-9]+|>=|<=|[=>().*;]/y;

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text)?.[0];
    if (match === undefined) return undefined;
    if (match.trim() !== "") tokens.push(match);
  }
  if (tokens.at(-1) === ";") tokens.pop();
  return tokens;
}

function isWord(token: string | undefined, word: string): boolean {
  return token?.toUpperCase() === word;
}

function nameOf(token: string | undefined): string | undefined {
  return token === undefined ? undefined : /^"?([a-z_]+)"?$/.exec(token)?.[1];
}

function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
