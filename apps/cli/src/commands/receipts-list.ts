// `openagents receipts list`: which receipts there are about something.

import type { JsonObject } from "@openagents/contracts";
import { Command } from "commander";
import { parseLimit, parseTime } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { printable, renderTable } from "../terminal/index.ts";

type ListOptions = DataDirOption & {
  readonly subject?: string;
  readonly schema?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
  readonly cursor?: string;
};

const HELP = `
Those of your organisation, newest first. Without --json a line for each, with its time as
it was signed; with it, the receipts themselves.

Examples:
  openagents receipts list --subject run_0123456789abcdef0123456789abcdef
  openagents receipts list --schema openagents.treasury.payment_receipt.v2 --from 2027-01-01

Exit codes: 0 listed; 1 no stack is running; 2 wrong arguments.`;

export function listReceiptsCommand(context: Context): Command {
  const command = new Command("list")
    .description("the receipts about a run, a job or anything else")
    .option("--subject <id>", "about this run, job, reservation or transfer")
    .option("--schema <schema>", "of this kind")
    .option("--from <time>", "signed then or later, such as 2027-01-01 (UTC)", parseTime)
    .option("--to <time>", "signed before then", parseTime)
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page")
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<ListOptions>(command, async (options) => {
    const { Receipts, createClient, encodeText, listReceiptsResponseDesc } =
      await import("@openagents/contracts");
    const { subject, schema, from, to, limit, cursor } = options;
    const client = createClient(Receipts, connect(context, options).client);
    const page = await client.listReceipts({ subject, schema, from, to, limit, cursor });
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(listReceiptsResponseDesc, page));
      return EXIT.ok;
    }
    if (page.receipts.length === 0) out.line("no such receipts");
    const rows = page.receipts.map(({ receipt }) => [
      textOf(receipt, "receipt_id"),
      textOf(receipt, "occurred_at").slice(0, 19).replace("T", " "),
      textOf(receipt, "schema"),
    ]);
    const columns = ["receipt", "when (UTC)", "schema"].map((title) => ({ title }));
    if (rows.length > 0) for (const line of renderTable(columns, rows, out.style)) out.line(line);
    if (page.nextCursor !== undefined) out.line(out.style.dim(`more: --cursor ${page.nextCursor}`));
    return EXIT.ok;
  });
}

function textOf(receipt: JsonObject, name: string): string {
  const value = receipt[name];
  return typeof value === "string" ? printable(value) : "";
}
