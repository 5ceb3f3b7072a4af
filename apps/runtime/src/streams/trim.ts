// Streams of presence, progress and statistics keep their newest events only.

import type { Authority } from "@openagents/authority";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type TrimStreamResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { listSealedHeads, lockHead, trimTo } from "./store.ts";

/** Trim down to a number whose chain is stored, so that the chain can be walked from there. */
export function trimStream(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  streamId: string,
): Promise<CommandReply> {
  return authority.perform<TrimStreamResponse>(call, async (command) => {
    const head = await lockHead(command.tx, streamId);
    if (head === undefined) throw notFound("stream", streamId);
    if (head.keepNewest === undefined) {
      throw new ProblemError({
        status: 409,
        code: "stream_is_permanent",
        detail: `Events of ${streamId} are kept for ever.`,
      });
    }
    const wanted = head.headSeq - BigInt(head.keepNewest);
    const [floor] = wanted > 0n ? await listSealedHeads(command.tx, streamId, wanted, 1) : [];
    if (floor === undefined || floor.seq <= head.floorSeq)
      return { kind: "nothing", output: { floorSeq: head.floorSeq, trimmed: 0n } };
    await trimTo(command.tx, streamId, floor.seq);
    return {
      kind: "answer",
      output: { floorSeq: floor.seq, trimmed: floor.seq - head.floorSeq },
      writes: [],
    };
  });
}
