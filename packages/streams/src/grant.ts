// Which streams a token lets its holder read. Pure.
//
// A grant names one stream, or a family with `*` in the place of the id. A
// family's grant reaches the streams of the token's own organisation, or of its
// own person, only, and so needs to know whose a stream is; the exact name was granted by whoever
// checked that before signing.

import { FAMILIES, parseStreamId, type StreamFamily } from "./stream-id.ts";

/** Most grants of one token. */
export const GRANTS_MAX = 64;

/** Whose token it is, and what it grants. */
export type Grants = { readonly org: string; readonly streams: readonly string[] };

export type Access =
  | "granted"
  /** Granted for this organisation's, or this person's: look whose the stream is, now and when it appears. */
  | "granted_for_org"
  | "not_granted";

/** What a token says about a stream. A name outside of the grammar is granted to nobody. */
export function decideAccess(grants: Grants, streamId: string): Access {
  const name = parseStreamId(streamId);
  if (name === undefined) return "not_granted";
  if (grants.streams.includes(streamId)) return "granted";
  return grants.streams.includes(FAMILIES[name.family].pattern) ? "granted_for_org" : "not_granted";
}

/** Families whose streams are a person's, in whichever organisation that person acts. */
const OF_PERSONS: ReadonlySet<string> = new Set<StreamFamily>([
  "fleet_user",
  "approvals",
  "thread",
  "worker_events",
]);

/** Whose a stream has to be for a family's grant to reach it. */
export function tenantWanted(
  grants: { readonly org: string; readonly sub: string },
  streamId: string,
): string {
  return OF_PERSONS.has(parseStreamId(streamId)?.family ?? "") ? grants.sub : grants.org;
}

/** Whether a text may stand in a token's grants: a stream's name or a family's pattern. */
export function isGrant(text: string): boolean {
  return parseStreamId(text) !== undefined || PATTERNS.has(text);
}

const PATTERNS: ReadonlySet<string> = new Set(Object.values(FAMILIES).map(({ pattern }) => pattern));
