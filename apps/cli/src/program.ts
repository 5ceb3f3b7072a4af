// The command line as a whole: which commands there are, and how they fail.

import { Command, CommanderError, type HelpConfiguration } from "commander";
import { exitCodeOf, type Context } from "./context.ts";
import { artifactsCommand } from "./commands/artifacts.ts";
import { budgetCommand } from "./commands/budget.ts";
import { consoleCommand } from "./commands/console.ts";
import { chatCommand } from "./commands/chat.ts";
import { demoCommand } from "./commands/demo.ts";
import { deviceCommand } from "./commands/device.ts";
import { downCommand } from "./commands/down.ts";
import { freezeCommand, unfreezeCommand } from "./commands/freeze.ts";
import { helpCommand } from "./commands/help.ts";
import { incidentsCommand } from "./commands/incidents.ts";
import { indexCommand } from "./commands/index-tree.ts";
import { keysCommand } from "./commands/keys.ts";
import { ledgerCommand } from "./commands/ledger.ts";
import { logCommand } from "./commands/log.ts";
import { marketCommand } from "./commands/market.ts";
import { panelsCommand } from "./commands/panels.ts";
import { providerCommand } from "./commands/provider.ts";
import { receiptsCommand } from "./commands/receipts.ts";
import { runCommand } from "./commands/run.ts";
import { runsCommand } from "./commands/runs.ts";
import { scriptCommands } from "./commands/scripts.ts";
import { simCommand } from "./commands/sim.ts";
import { streamsCommand } from "./commands/streams.ts";
import { statusCommand } from "./commands/status.ts";
import { tokenCommand } from "./commands/token.ts";
import { upCommand } from "./commands/up.ts";
import { verifyCommand } from "./commands/verify.ts";
import { workersCommand } from "./commands/workers.ts";
import { describeError, printError } from "./describe-error.ts";

const HELP = `
Examples:
  openagents demo                  # see it all once, in half a minute
  openagents run --issue issue.md  # the same for your repository and your issue
  openagents up --detach           # the stack in the background
  openagents verify FOLDER         # a bundle, checked as an outsider would

Environment:
  OPENAGENTS_HOME   your folder (default: ~/.openagents)
  DATABASE_URL      a PostgreSQL server of yours in place of the embedded one
  NO_COLOR, FORCE_COLOR

See also: openagents help exit-codes`;

export function buildProgram(context: Context): Command {
  const program = new Command("openagents")
    .description(
      "Autopilot turns repository issues into verified pull requests, within a budget, with receipts and replay.",
    )
    .version(context.version, "-V, --version", "print the version")
    .option("--json", "print JSON, for machines")
    .addHelpText("after", HELP);

  program.commandsGroup("Start here:");
  for (const command of [demoCommand, runCommand, indexCommand]) program.addCommand(command(context));
  program.commandsGroup("The stack:");
  for (const command of [
    upCommand,
    downCommand,
    statusCommand,
    consoleCommand,
    tokenCommand,
    keysCommand,
    freezeCommand,
    unfreezeCommand,
  ])
    program.addCommand(command(context));
  program.commandsGroup("Agents:").addCommand(deviceCommand(context)).addCommand(chatCommand(context));
  program.commandsGroup("Sell:").addCommand(providerCommand(context)).addCommand(workersCommand(context));
  program.commandsGroup("Look and prove:");
  for (const command of [
    runsCommand,
    marketCommand,
    panelsCommand,
    incidentsCommand,
    receiptsCommand,
    verifyCommand,
    logCommand,
    streamsCommand,
    budgetCommand,
    ledgerCommand,
    artifactsCommand,
  ])
    program.addCommand(command(context));
  program.commandsGroup("This repository:");
  for (const command of scriptCommands(context)) program.addCommand(command);
  program.addCommand(simCommand(context));
  program.commandsGroup("Help:").addCommand(helpCommand(context));

  prepare(program, context);
  return program;
}

/**
 * Parse the arguments, run the command, and answer the exit code. Never throws:
 * an error becomes one line on standard error.
 */
export async function runProgram(argv: readonly string[], context: Context): Promise<number> {
  const program = buildProgram(context);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCodeOf(program);
  } catch (error) {
    // Asked-for help and version are no failures.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const line = await describeError(error);
    // Help shown because a subcommand is missing says enough by itself.
    if (!(error instanceof CommanderError && error.code === "commander.help")) {
      printError(line, context.err, argv.includes("--json"));
    }
    return line.exitCode;
  }
}

/** Settings that commander does not hand down to commands added ready-made. */
function prepare(command: Command, context: Context): void {
  command.exitOverride();
  command.helpOption("-h, --help", "explain this command");
  command.helpCommand(false);
  command.showSuggestionAfterError();
  command.configureOutput({
    writeOut: (text) => context.out.raw(text),
    writeErr: (text) => context.err.raw(text),
    getOutHelpWidth: () => helpWidth(context.out.columns()),
    getErrHelpWidth: () => helpWidth(context.err.columns()),
    // Errors are printed once, by runProgram.
    outputError: () => undefined,
  });
  command.configureHelp(helpStyle(context));
  for (const child of command.commands) prepare(child, context);
}

function helpStyle(context: Context): HelpConfiguration {
  const { style } = context.out;
  return {
    showGlobalOptions: true,
    styleTitle: style.bold,
    styleCommandText: style.cyan,
    styleOptionText: style.cyan,
  };
}

function helpWidth(columns: number): number {
  return Math.min(columns, 100);
}
