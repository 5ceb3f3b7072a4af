import { dataDirAt, listSellers, stopStack } from "@openagents/stack";
import { Command } from "commander";
import { existsSync } from "node:fs";
import { EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { printable } from "../terminal/index.ts";

const HELP = `
Asks the stack to stop, waits until it has finished what is running, and ends
the database with it. A stack that does not end within 20 seconds is killed; what
it had acknowledged is in the database. A database left behind by a killed stack
is ended too. When nothing is running, says so and succeeds.

Examples:
  openagents down
  openagents down --data-dir ./two

Exit codes: 0 nothing runs any more; 1 it could not be ended.`;

export function downCommand(context: Context): Command {
  const command = new Command("down")
    .description("stop the stack and its database")
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options) => {
    const dataDir = dataDirOf(context, options);
    const stopped = existsSync(dataDir)
      ? await stopStack(dataDir)
      : { outcome: "nothing_running" as const, orphanedDatabase: false };
    const { out } = context;
    if (options.json === true) {
      const { outcome, orphanedDatabase } = stopped;
      const pid = "pid" in stopped ? stopped.pid : undefined;
      out.line(JSON.stringify({ outcome, pid, orphaned_database: orphanedDatabase, data_dir: dataDir }));
      return EXIT.ok;
    }
    // They outlive the stack, because they may sell to another's runtime.
    for (const { pid, displayName } of listSellers(dataDirAt(dataDir)).values()) {
      out.line(
        out.style.dim(
          `${printable(displayName)} (pid ${pid}) still sells; see openagents provider stop --help`,
        ),
      );
    }
    if (stopped.outcome === "stopped") out.line(`${out.style.green("✓")} stopped`);
    if (stopped.outcome === "killed") out.line(`${out.style.yellow("✓")} killed: it did not end within 20 s`);
    if (stopped.orphanedDatabase)
      out.line(`${out.style.green("✓")} stopped the database that a killed stack had left`);
    else if (stopped.outcome === "nothing_running") out.line(`nothing is running on ${dataDir}`);
    return EXIT.ok;
  });
}
