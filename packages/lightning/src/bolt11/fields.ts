// Tagged fields of the data part: type, length, and words of data.
//
// A field of unknown type, or a hash of another length, is skipped: that is how
// the format grows. A field that we do understand and that stands twice is
// refused, because two readers could take different ones; only fallbacks and
// route hints may repeat.

import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { Bolt11Error } from "./bolt11-error.ts";
import { fallbackOf, wordsOfFallback, type FallbackAddress } from "./fallback.ts";
import { featuresOf, wordsOfFeatures } from "./features.ts";
import type { InvoiceTerms, RouteHop } from "./invoice.ts";
import { routeHintOf, wordsOfRouteHint } from "./route-hint.ts";
import { isPublicKey } from "./signature.ts";
import { bytesOf, hexOf, numberOf, wordsOf, wordsOfHex, wordsOfNumber } from "./words.ts";

const FIELD = { p: 1, r: 3, nine: 5, x: 6, f: 9, d: 13, s: 16, n: 19, h: 23, c: 24, m: 27 } as const;
const HASH_WORDS = 52;
const NODE_ID_WORDS = 53;
const FIELD_WORDS_MAX = 1_023;

/** What the fields say; `undefined` where the field is absent or skipped. */
export type Fields = {
  paymentHash?: string;
  paymentSecret?: string;
  descriptionText?: string;
  descriptionHash?: string;
  expirySeconds?: number;
  minFinalCltv?: number;
  features?: readonly number[];
  metadata?: string;
  nodeId?: string;
  fallbacks: FallbackAddress[];
  routeHints: (readonly RouteHop[])[];
};

export function readFields(words: readonly number[]): Fields {
  const fields: Fields = { fallbacks: [], routeHints: [] };
  for (let at = 0; at < words.length;) {
    const [type, high, low] = words.slice(at, at + 3);
    if (type === undefined || high === undefined || low === undefined)
      throw new Bolt11Error("field_truncated", "the last field ends before its length");
    const end = at + 3 + high * 32 + low;
    if (end > words.length) throw new Bolt11Error("field_truncated", "the last field ends before its data");
    readField(fields, type, words.slice(at + 3, end));
    at = end;
  }
  return fields;
}

function readField(fields: Fields, type: number, data: readonly number[]): void {
  const isHash = data.length === HASH_WORDS;
  switch (type) {
    case FIELD.p:
      return isHash ? set(fields, "paymentHash", hexOf(data, "p")) : undefined;
    case FIELD.s:
      return isHash ? set(fields, "paymentSecret", hexOf(data, "s")) : undefined;
    case FIELD.h:
      return isHash ? set(fields, "descriptionHash", hexOf(data, "h")) : undefined;
    case FIELD.n:
      return data.length === NODE_ID_WORDS ? set(fields, "nodeId", nodeIdOf(data)) : undefined;
    case FIELD.d:
      return set(fields, "descriptionText", textOf(data));
    case FIELD.x:
      return set(fields, "expirySeconds", numberOf(data, "x"));
    case FIELD.c:
      return set(fields, "minFinalCltv", numberOf(data, "c"));
    case FIELD.nine:
      return set(fields, "features", featuresOf(data));
    case FIELD.m:
      return set(fields, "metadata", hexOf(data, "m"));
    case FIELD.r:
      fields.routeHints.push(routeHintOf(data));
      return;
    case FIELD.f: {
      const fallback = fallbackOf(data);
      if (fallback !== undefined) fields.fallbacks.push(fallback);
      return;
    }
    default:
      return;
  }
}

function set<K extends keyof Fields>(fields: Fields, key: K, value: Fields[K]): void {
  if (fields[key] !== undefined)
    throw new Bolt11Error("field_repeated", `the invoice has more than one ${key}`);
  fields[key] = value;
}

function textOf(data: readonly number[]): string {
  try {
    // ignoreBOM keeps the text as it was signed: without it a leading mark vanishes.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(data, "d"));
  } catch (error) {
    if (error instanceof Bolt11Error) throw error;
    throw new Bolt11Error("description_encoding", "the description is not UTF-8");
  }
}

function nodeIdOf(data: readonly number[]): string {
  const nodeId = bytesToHex(bytesOf(data, "n"));
  if (isPublicKey(nodeId)) return nodeId;
  throw new Bolt11Error("node_id_malformed", `${nodeId} in field n is no public key`);
}

/** The fields of checked terms, in the order in which most nodes write them. */
export function writeFields(terms: InvoiceTerms, nodeId: string | undefined): number[] {
  const { description } = terms;
  return [
    ...field(FIELD.p, wordsOfHex(terms.paymentHash)),
    ...field(FIELD.s, wordsOfHex(terms.paymentSecret)),
    ...(description.kind === "text"
      ? field(FIELD.d, wordsOf(utf8ToBytes(description.text)))
      : field(FIELD.h, wordsOfHex(description.sha256))),
    ...(terms.metadata === undefined ? [] : field(FIELD.m, wordsOfHex(terms.metadata))),
    ...(nodeId === undefined ? [] : field(FIELD.n, wordsOfHex(nodeId))),
    ...field(FIELD.x, wordsOfNumber(terms.expirySeconds)),
    ...field(FIELD.c, wordsOfNumber(terms.minFinalCltv)),
    ...terms.fallbacks.flatMap((fallback) => field(FIELD.f, wordsOfFallback(fallback))),
    ...terms.routeHints.flatMap((hops) => field(FIELD.r, wordsOfRouteHint(hops))),
    ...(terms.features.length === 0 ? [] : field(FIELD.nine, wordsOfFeatures(terms.features))),
  ];
}

function field(type: number, data: readonly number[]): number[] {
  if (data.length > FIELD_WORDS_MAX)
    throw new Bolt11Error("field_range", `field ${type} is longer than ${FIELD_WORDS_MAX} words`);
  return [type, data.length >> 5, data.length & 31, ...data];
}
