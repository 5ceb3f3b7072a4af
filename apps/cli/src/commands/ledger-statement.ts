// `openagents ledger statement`: what the organisation paid, job by job.

import type { BuyerStatementLine } from "@openagents/contracts";
import { Command } from "commander";
import { parseTime } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatSats, formatTime, printable, renderTable, type Style } from "../terminal/index.ts";

type StatementOptions = DataDirOption & { readonly from?: number; readonly to?: number };

const PAGE = 200;

const HELP = `
Shows what each job of yours came to when it was settled, newest first: what went to
whoever did the work, to whoever repeated it and to the operator, and what came back. The
four are what was set aside. Without --json, the latest 200; with it every line, one to a
line. What a provider earned is told by openagents provider statement.

Examples:
  openagents ledger statement
  openagents ledger statement --from 2027-01-01 --to 2027-02-01 --json | jq -s 'map(.provider_msats) | add'

Exit codes: 0 shown; 1 no stack is running; 2 wrong arguments.`;

export function statementCommand(context: Context): Command {
  const command = new Command("statement")
    .description("what your organisation paid, job by job")
    .option("--from <time>", "settled then or later, such as 2027-01-01 (UTC)", parseTime)
    .option("--to <time>", "settled before then", parseTime)
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<StatementOptions>(command, async (options) => {
    const { Statements, buyerStatementLineDesc, createClient, encodeText } =
      await import("@openagents/contracts");
    const statements = createClient(Statements, connect(context, options).client);
    const { from, to } = options;
    const { out } = context;
    for (let cursor: string | undefined; ;) {
      const page = await statements.getBuyerStatement({ from, to, cursor, limit: PAGE });
      cursor = page.nextCursor;
      if (options.json !== true) {
        for (const line of statementLines(page.lines, out.style)) out.line(line);
        if (cursor !== undefined) out.line(out.style.dim(`the latest ${PAGE}; --json has all`));
        return EXIT.ok;
      }
      for (const line of page.lines) out.line(encodeText(buyerStatementLineDesc, line));
      if (cursor === undefined) return EXIT.ok;
    }
  });
}

function statementLines(lines: readonly BuyerStatementLine[], style: Style): string[] {
  if (lines.length === 0) return ["Nothing was settled in this time."];
  const right = "right" as const;
  const columns = [
    { title: "settled (UTC)" },
    { title: "job" },
    { title: "set aside", align: right },
    { title: "provider", align: right },
    { title: "second run", align: right },
    { title: "operator", align: right },
    { title: "came back", align: right },
  ];
  const rows = lines.map((line) => [
    formatTime(line.settledAt),
    line.jobId,
    formatSats(line.reservedMsats),
    ...[line.providerMsats, line.secondOpinionMsats, line.operatorFeeMsats, line.returnedMsats].map((msats) =>
      msats === 0n ? "–" : formatSats(msats),
    ),
  ]);
  const [head = "", ...table] = renderTable(columns, rows, style);
  return [
    head,
    ...table.flatMap((row, index) => {
      const because = lines[index]?.withheldBecause;
      return because === undefined ? [row] : [row, style.dim(`  ${printable(because)}`)];
    }),
  ];
}
