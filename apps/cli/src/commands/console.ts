// `openagents console`: a way in to the console of the stack that runs here.

import { dataDirAt, findRunning } from "@openagents/stack";
import { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { requestLocalLink } from "../console/index.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";

const HELP = `
Prints a link that signs you, the owner of the stack on this computer, in to its
console: it works once, within ten minutes, in a browser on this computer.

Example:
  xdg-open "$(openagents console)"

Exit codes: 0 printed; 1 no stack runs here.`;

export function consoleCommand(context: Context): Command {
  const command = new Command("console")
    .description("print a link that signs you in to the console")
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<DataDirOption & { readonly json?: true }>(command, async (options) => {
    const dataDir = dataDirOf(context, options);
    const record = findRunning(dataDirAt(dataDir));
    if (record === undefined) {
      throw new CliError("stack_not_running", `no stack is running on ${dataDir}`, {
        nextStep: "start one with `openagents up --detach`",
      });
    }
    const { url, expiresAt } = await requestLocalLink(context, record);
    context.out.line(
      options.json === true
        ? JSON.stringify({ url, expires_at: expiresAt, control_url: record.controlUrl })
        : url,
    );
    return EXIT.ok;
  });
}
