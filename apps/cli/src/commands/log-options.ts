import type { Command } from "commander";
import { addDataDirOption } from "../context.ts";

/** Which log a command is about. */
export function addLogOptions(command: Command): Command {
  return addDataDirOption(command)
    .option("--url <url>", "the service that publishes the log (default: the stack that runs here)")
    .option("--log <key>", "the log's key, instead of the pinned one");
}
