// The hash chain of a stream, walked from the nearest event whose chain is
// stored: a minute's events at most, however long the stream is.

import type { Queryable } from "@openagents/postgres";
import { CHAIN_START, chainStream } from "@openagents/streams";
import { listHashes, listSealedHeads } from "./store.ts";

export type ChainAt = { readonly seq: bigint; readonly chainHash: string };

export const CHAIN_ZERO: ChainAt = { seq: 0n, chainHash: CHAIN_START };

const PAGE = 5_000;

/** The chain at an event that the stream has, or had and whose chain was stored; undefined otherwise. */
export async function chainAt(q: Queryable, streamId: string, seq: bigint): Promise<ChainAt | undefined> {
  const [stored] = seq === 0n ? [] : await listSealedHeads(q, streamId, seq, 1);
  return walkChain(q, streamId, stored ?? CHAIN_ZERO, seq);
}

/** Go on from a known chain to `throughSeq`; undefined when an event on the way is gone. */
export async function walkChain(
  q: Queryable,
  streamId: string,
  from: ChainAt,
  throughSeq: bigint,
): Promise<ChainAt | undefined> {
  let { seq, chainHash } = from;
  while (seq < throughSeq) {
    const page = await listHashes(q, streamId, seq, throughSeq, PAGE);
    if (page.length === 0) return undefined;
    for (const event of page) {
      if (event.seq !== seq + 1n) return undefined;
      seq = event.seq;
      chainHash = chainStream(chainHash, seq, event.payloadHash);
    }
  }
  return { seq, chainHash };
}
