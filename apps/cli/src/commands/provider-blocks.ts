// `openagents provider block`, `unblock` and `blocks`: whom it does not work for.

import type { Block } from "@openagents/contracts";
import { Command, InvalidArgumentError } from "commander";
import { EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import { identityOf, type Identity, type IdentityOptions } from "../provider/index.ts";
import { formatTime, printable, renderTable } from "../terminal/index.ts";
import { addIdentityOptions } from "./identity-options.ts";

const HELP = `
A blocked buyer's new orders go to others; what it ordered already stays. The block
holds for every worker of this provider's organisation.

Examples:
  openagents provider block org_mallory --reason "disputes everything"
  openagents provider blocks
  openagents provider unblock org_mallory

Exit codes: 0 done; 1 refused, or could not; 2 wrong arguments.`;

const SHOWN_MAX = 200;

export function blockCommand(context: Context): Command {
  const command = new Command("block")
    .description("work for a buyer no more")
    .argument("<org>", "the buyer's organisation", parseOrg)
    .requiredOption("--reason <text>", "why, for your own receipts")
    .addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions & { readonly reason: string }>(command, async (options, [buyerOrg = ""]) => {
    const client = await clientOf(identityOf(context, options));
    const { block } = await client.blockBuyer({ buyerOrg, reason: options.reason });
    context.out.line(options.json === true ? await jsonOf(block) : `${buyerOrg} is blocked`);
    return EXIT.ok;
  });
}

export function unblockCommand(context: Context): Command {
  const command = new Command("unblock")
    .description("work for a blocked buyer again")
    .argument("<org>", "the buyer's organisation", parseOrg)
    .addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options, [buyerOrg = ""]) => {
    const client = await clientOf(identityOf(context, options));
    const { receiptId } = await client.unblockBuyer({ buyerOrg });
    const json = JSON.stringify({ buyer_org: buyerOrg, receipt_id: receiptId });
    context.out.line(options.json === true ? json : `${buyerOrg} is not blocked any more`);
    return EXIT.ok;
  });
}

export function blocksCommand(context: Context): Command {
  const command = new Command("blocks").description("whom it does not work for").addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const { out } = context;
    const client = await clientOf(identityOf(context, options));
    const { blocks, nextCursor } = await client.listBlocks({ limit: SHOWN_MAX });
    if (options.json === true) {
      const each = await Promise.all(blocks.map(jsonOf));
      out.line(`{"blocks":[${each.join(",")}]}`);
      return EXIT.ok;
    }
    if (blocks.length === 0) out.line("Nobody is blocked.");
    const rows = blocks.map(({ buyerOrg, blockedAt, reason }) => [
      buyerOrg,
      formatTime(blockedAt),
      printable(reason),
    ]);
    const columns = [{ title: "Buyer" }, { title: "Since" }, { title: "Reason" }];
    if (rows.length > 0) for (const line of renderTable(columns, rows, out.style)) out.line(line);
    if (nextCursor !== undefined) out.line(out.style.dim(`the first ${SHOWN_MAX}`));
    return EXIT.ok;
  });
}

async function clientOf(identity: Identity) {
  const { Blocks, createClient } = await import("@openagents/contracts");
  return createClient(Blocks, identity.client());
}

async function jsonOf(block: Block): Promise<string> {
  const { blockDesc, encodeText } = await import("@openagents/contracts");
  return encodeText(blockDesc, block);
}

function parseOrg(text: string): string {
  if (/^org_[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError("Give an organisation's id, such as org_0123.");
}
