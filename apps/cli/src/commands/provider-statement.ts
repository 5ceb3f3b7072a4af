import { Command } from "commander";
import { parseTime } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import {
  CSV_HEAD,
  identityOf,
  statementCsv,
  statementJson,
  statementLines,
  statementPages,
  type IdentityOptions,
  type StatementPeriod,
} from "../provider/index.ts";
import { addIdentityOptions } from "./identity-options.ts";

const HELP = `
Shows what each job came to when its buyer settled, newest first: what was earned, what
the buyer paid the operator on top, the balance after it, and if nothing was paid, why.
Without --json or --csv, the latest 200; with them every line, one to a line.

Examples:
  openagents provider statement
  openagents provider statement --from 2027-01-01 --to 2027-02-01 --csv > january.csv
  openagents provider statement --json | jq -s 'map(.earned_msats) | add'

Exit codes: 0 shown; 1 could not look; 2 wrong arguments.`;

type StatementOptions = IdentityOptions & StatementPeriod & { readonly csv?: true };

export function statementCommand(context: Context): Command {
  const command = new Command("statement")
    .description("what its jobs earned, and the balance")
    .option("--from <time>", "booked then or later, such as 2027-01-01 (UTC)", parseTime)
    .option("--to <time>", "booked before then", parseTime)
    .option("--csv", "comma-separated values with a head")
    .addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<StatementOptions>(command, async (options) => {
    const { from, to, csv, json } = options;
    if (csv === true && json === true) {
      throw new CliError("usage", "--csv and --json do not go together", {
        nextStep: "choose one",
        exitCode: EXIT.usage,
      });
    }
    const { out } = context;
    const pages = statementPages(identityOf(context, options), {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
    if (csv === true) out.line(CSV_HEAD);
    for await (const page of pages) {
      if (csv === true) for (const line of page) out.line(statementCsv(line));
      else if (json === true) for (const line of page) out.line(await statementJson(line));
      else {
        for (const line of statementLines(page, out.style)) out.line(line);
        break;
      }
    }
    return EXIT.ok;
  });
}
