import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { printable, renderTable } from "../terminal/index.ts";

const HELP = `
Checks the books over all accounts and transfers: debits equal credits, every
balance equals the sum of its transfers, no account passes its floor, every
transfer names a receipt that exists.

Example:
  openagents ledger audit

Exit codes: 0 every check holds; 1 a check fails, or no stack is running.`;

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
  return new Command("ledger").description("check the books").addCommand(audit).addHelpText("after", HELP);
}
