// Shows that a client missed nothing of a stream and was told nothing else than
// others: its own chain of payload hashes against the runtime's, and against the
// stream's heads in the public log, which nobody can take back.

import { chainStream } from "@openagents/streams";
import type { Cursor } from "./apply.ts";
import type { ChainMarks } from "./chain-marks.ts";
import type { SyncSession } from "./session.ts";

/** The runtime's chain at the number that was asked for, and where the stream ends. */
export type Digest = { readonly chainHash: string; readonly headSeq: bigint };

/** Undefined when the stream ends before that number. */
export type ReadDigest = (streamId: string, seq: bigint) => Promise<Digest | undefined>;

export type LoggedHead = { readonly seq: bigint; readonly chainHash: string; readonly receiptId: string };

export type Completeness =
  | {
      readonly kind: "complete";
      /** The client summed the chain itself from here on; before it, it took a snapshot's word. */
      readonly baseSeq: bigint;
      readonly seq: bigint;
      readonly chainHash: string;
      /** The stream's last number; what lies between is on its way. */
      readonly headSeq: bigint;
      /** The newest head of the public log that the client's own chain was held against. */
      readonly logged: LoggedHead | undefined;
    }
  | {
      readonly kind: "differs";
      readonly from: "runtime" | "log";
      readonly seq: bigint;
      readonly ownChain: string;
      readonly theirChain: string;
    }
  /** The client applied more than the stream holds now. */
  | { readonly kind: "cut_short"; readonly seq: bigint };

export type Proof = {
  readonly streamId: string;
  readonly lane: { readonly cursor: Cursor | undefined; readonly marks: ChainMarks };
  readonly readDigest: ReadDigest;
  readonly readLoggedHeads: ((streamId: string) => Promise<readonly LoggedHead[]>) | undefined;
  readonly session: () => SyncSession | undefined;
};

/** Rejects when a reader does, or before the checkpoint is read. */
export async function proveComplete(proof: Proof): Promise<Completeness> {
  const { streamId, lane } = proof;
  // It moves on meanwhile; what is shown is shown of one moment.
  const { cursor } = lane;
  if (cursor === undefined) throw new Error(`the checkpoint of ${streamId} is not read yet`);
  const { seq, chainHash, baseSeq } = cursor;
  const digest = await proof.readDigest(streamId, seq);
  if (digest === undefined) return { kind: "cut_short", seq };
  if (digest.chainHash !== chainHash)
    return { kind: "differs", from: "runtime", seq, ownChain: chainHash, theirChain: digest.chainHash };
  const logged = await newestComparable(proof, cursor);
  if (logged !== undefined && logged.own !== logged.head.chainHash) {
    const { own, head } = logged;
    return { kind: "differs", from: "log", seq: head.seq, ownChain: own, theirChain: head.chainHash };
  }
  return { kind: "complete", baseSeq, seq, chainHash, headSeq: digest.headSeq, logged: logged?.head };
}

async function newestComparable(
  proof: Proof,
  cursor: Cursor,
): Promise<{ readonly head: LoggedHead; readonly own: string } | undefined> {
  const heads = (await proof.readLoggedHeads?.(proof.streamId)) ?? [];
  for (const head of heads) {
    if (head.seq > cursor.seq) continue;
    const own = await ownChainAt(proof, cursor, head.seq);
    if (own !== undefined) return { head, own };
  }
  return undefined;
}

/**
 * This client's chain at a number that it passed. Between two marks the events
 * are read again, and believed only when they lead from the one to the other:
 * so they are those that were applied.
 */
async function ownChainAt(proof: Proof, cursor: Cursor, seq: bigint): Promise<string | undefined> {
  const { before, after = cursor } = proof.lane.marks.around(seq);
  if (seq === after.seq) return after.chainHash;
  if (before === undefined) return undefined;
  if (seq === before.seq) return before.chainHash;
  const events = await proof.session()?.events(proof.streamId, before.seq, after.seq).catch(notKept);
  let chain = before.chainHash;
  let found: string | undefined;
  let expected = before.seq;
  for (const event of events ?? []) {
    expected += 1n;
    if (event.seq !== expected) return undefined;
    chain = chainStream(chain, event.seq, event.payloadHash);
    if (event.seq === seq) found = chain;
  }
  return chain === after.chainHash ? found : undefined;
}

/** Then an older head is looked at, or none: that is told. */
function notKept(): undefined {}
