// `openagents provider`: sell sandboxed runs of checks from this computer.

import { Command } from "commander";
import type { Context } from "../context.ts";
import { blockCommand, blocksCommand, unblockCommand } from "./provider-blocks.ts";
import { jobsCommand } from "./provider-jobs.ts";
import { startCommand } from "./provider-start.ts";
import { statementCommand } from "./provider-statement.ts";
import { statusCommand } from "./provider-status.ts";
import { stopCommand } from "./provider-stop.ts";

const HELP = `
A provider runs the checks of others in the sandbox, without network and without
your files, and is credited for what proves something. It is off until you start
it. By default it is this computer as your own device, on the stack of the data
directory: it runs again what you bought elsewhere. With --as NAME it sells in an
organisation apart, to try a market on one machine; with --runtime it sells to
another's runtime, as the token says.

Examples:
  openagents provider start                      # in this terminal, Ctrl-C stops
  openagents provider start --as eve --price 150sat --detach
  openagents provider status
  openagents provider stop --as eve

Exit codes: 0 done; 1 failed; 2 wrong arguments.`;

export function providerCommand(context: Context): Command {
  const provider = new Command("provider")
    .description("sell sandboxed runs from this computer")
    .addHelpText("after", HELP);
  return provider
    .addCommand(startCommand(context))
    .addCommand(stopCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(jobsCommand(context))
    .addCommand(statementCommand(context))
    .addCommand(blockCommand(context))
    .addCommand(unblockCommand(context))
    .addCommand(blocksCommand(context));
}
