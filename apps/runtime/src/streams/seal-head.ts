// Once a minute the chain of each stream that has new events enters the
// transparency log, so that nobody can tell the same stream differently later.

import type { Authority } from "@openagents/authority";
import type { CommandCall, CommandReply, SealStreamHeadResponse } from "@openagents/contracts";
import { chainAt } from "./chain.ts";
import { insertSealedHead, listSealedHeads, lockHead } from "./store.ts";
import { sealedHeadMessage } from "./wire.ts";

/** The receipt is the stream's owner's, as its events are. Natural: at one number there is one chain. */
export function sealStreamHead(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  streamId: string,
): Promise<CommandReply> {
  return authority.perform<SealStreamHeadResponse>(call, async (command) => {
    // Whoever appends waits for this, so it looks at a minute's events only.
    const head = await lockHead(command.tx, streamId);
    if (head === undefined) return { kind: "nothing", output: { head: undefined, sealed: false } };
    const [stored] = await listSealedHeads(command.tx, streamId, head.headSeq, 1);
    if (stored?.seq === head.headSeq)
      return { kind: "nothing", output: { head: sealedHeadMessage(stored), sealed: false } };
    const chain = await chainAt(command.tx, streamId, head.headSeq);
    if (chain === undefined) throw new Error(`${streamId} has a gap below ${head.headSeq}`);
    const facts = {
      stream_id: streamId,
      head_seq: Number(head.headSeq),
      chain_hash: `sha256:${chain.chainHash}`,
    };
    const nowMs = command.nowMs();
    const receipt = command.seal("openagents.sync.stream_head.v1", streamId, facts, nowMs, head.tenant);
    const sealed = { ...chain, receiptId: receipt.receipt_id };
    return {
      kind: "answer",
      output: { head: sealedHeadMessage(sealed), sealed: true },
      writes: [insertSealedHead(streamId, sealed)],
    };
  });
}
