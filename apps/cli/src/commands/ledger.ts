import type { ReconciledReservation } from "@openagents/contracts";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { statementCommand } from "./ledger-statement.ts";
import { formatSats, formatTime, printable, renderTable, type Style } from "../terminal/index.ts";

const HELP = `
audit checks the books over all accounts and transfers: debits equal credits, every
balance equals the sum of its transfers, no account passes its floor, every transfer
names a receipt that exists, and reservations, settlements and budgets say the same.

reconcile ends reservations whose time is over and on which nothing rests, gives their
money back, and tells what it left and why. The stack does so by itself.

Examples:
  openagents ledger audit
  openagents ledger reconcile
  openagents ledger statement

Exit codes: 0 every check holds, or reconciled; 1 a check fails, or no stack is running.`;

export function ledgerCommand(context: Context): Command {
  const audit = new Command("audit").description("check the ledger's invariants").addHelpText("after", HELP);
  addDataDirOption(audit);
  setBody<DataDirOption>(audit, async (options) => {
    const { Operations, auditLedgerResponseDesc, createClient, encodeText } =
      await import("@openagents/contracts");
    const report = await createClient(Operations, connect(context, options).client).auditLedger({});
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(auditLedgerResponseDesc, report));
    } else {
      const rows = report.checks.map((check) => [
        check.ok ? out.style.green("holds") : out.style.red("fails"),
        check.name,
        printable(check.detail),
      ]);
      for (const line of renderTable(
        [{ title: "" }, { title: "check" }, { title: "detail" }],
        rows,
        out.style,
      ))
        out.line(line);
      out.line(`${report.accounts} accounts, ${report.transfers} transfers`);
    }
    return report.ok ? EXIT.ok : EXIT.failed;
  });
  return new Command("ledger")
    .description("check the books, and what was paid")
    .addCommand(audit)
    .addCommand(reconcileCommand(context))
    .addCommand(statementCommand(context))
    .addHelpText("after", HELP);
}

function reconcileCommand(context: Context): Command {
  const reconcile = new Command("reconcile")
    .description("give back what lies unused")
    .addHelpText("after", HELP);
  addDataDirOption(reconcile);
  return setBody<DataDirOption>(reconcile, async (options) => {
    const { Treasury, createClient } = await import("@openagents/contracts");
    const treasury = createClient(Treasury, connect(context, options).client);
    const found: ReconciledReservation[] = [];
    let freedMsats = 0n;
    let cursor: string | undefined;
    do {
      const page = await treasury.reconcileCompute({ cursor });
      found.push(...page.freed, ...page.left);
      freedMsats += page.freedMsats;
      cursor = page.nextCursor;
    } while (cursor !== undefined && found.length < SHOWN_MAX);
    const { out } = context;
    if (options.json === true) {
      const { encode, reconciledReservationDesc } = await import("@openagents/contracts");
      const reservations = found.map((each) => encode(reconciledReservationDesc, each));
      out.line(JSON.stringify({ freed_msats: Number(freedMsats), reservations, next_cursor: cursor }));
      return EXIT.ok;
    }
    for (const line of reconciledLines(found, out.style)) out.line(line);
    out.line(`${formatSats(freedMsats)} freed${cursor === undefined ? "" : "; call again for the rest"}`);
    return EXIT.ok;
  });
}

/** Of one call: there may be more, and the next call has them. */
const SHOWN_MAX = 1_000;

function reconciledLines(found: readonly ReconciledReservation[], style: Style): string[] {
  if (found.length === 0) return [];
  const rows = found.map((each) => [
    each.leftBecause === undefined ? style.green("freed") : style.yellow(`left: ${each.leftBecause}`),
    each.reservationId,
    formatSats(each.amountMsats),
    each.org,
    formatTime(each.expiresAt),
  ]);
  const titles = ["", "reservation", "amount", "organisation", "due since"];
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    style,
  );
}
