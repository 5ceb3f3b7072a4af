import type { Authority } from "@openagents/authority";
import {
  Blocks,
  bind,
  type Binding,
  type Block as BlockMessage,
  type BlockBuyerResponse,
  type UnblockBuyerResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { decodeCursor, encodeCursor, notFound, PAGE_DEFAULT } from "@openagents/service";
import { deleteBlock, insertBlock, listBlocks, lockBlock, type Block } from "./store.ts";

export function blockRoutes(deps: { readonly db: Database; readonly authority: Authority }): Binding {
  return bind(Blocks, {
    // Refused: `already_blocked`.
    blockBuyer: (request, call) =>
      deps.authority.execute<BlockBuyerResponse>(call, request, async (command) => {
        const { org } = call.principal;
        const { buyerOrg, reason } = request;
        if ((await lockBlock(command.tx, org, buyerOrg)) !== undefined) {
          return {
            kind: "refused",
            rule: "state",
            reason: "already_blocked",
            detail: `${buyerOrg} is blocked already. Remove the block first to give another reason.`,
          };
        }
        const nowMs = command.nowMs();
        const facts = { org, buyer_org: buyerOrg, reason };
        const receipt = command.seal("openagents.runtime.buyer_blocked.v1", org, facts, nowMs);
        const block = { org, buyerOrg, reason, receiptId: receipt.receipt_id, blockedAtMs: nowMs };
        return { kind: "answer", output: { block: blockMessage(block) }, writes: [insertBlock(block)] };
      }),

    unblockBuyer: (request, call) =>
      deps.authority.execute<UnblockBuyerResponse>(call, request, async (command) => {
        const { org } = call.principal;
        const block = await lockBlock(command.tx, org, request.buyerOrg);
        if (block === undefined) throw notFound("block", request.buyerOrg);
        const facts = { org, buyer_org: block.buyerOrg, block_receipt_id: block.receiptId };
        const receipt = command.seal("openagents.runtime.buyer_unblocked.v1", org, facts, command.nowMs());
        return {
          kind: "answer",
          output: { receiptId: receipt.receipt_id },
          writes: [deleteBlock(org, block.buyerOrg)],
        };
      }),

    async listBlocks(request, call) {
      const after =
        request.cursor === undefined ? "" : decodeCursor(request.cursor, /^org_[A-Za-z0-9_-]{1,64}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listBlocks(deps.db, call.principal.org, after, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        blocks: page.map(blockMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.buyerOrg),
      };
    },
  });
}

function blockMessage({ buyerOrg, reason, receiptId, blockedAtMs }: Block): BlockMessage {
  return { buyerOrg, reason, receiptId, blockedAt: blockedAtMs };
}
