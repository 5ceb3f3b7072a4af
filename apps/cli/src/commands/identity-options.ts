import type { Command } from "commander";
import { parseProviderName } from "../arguments.ts";
import { addDataDirOption } from "../context.ts";

/** Which provider of this computer a command is about. */
export function addIdentityOptions(command: Command): void {
  command
    .option("--as <name>", "a provider of its own on this stack, in place of your device", parseProviderName)
    .option("--runtime <url>", "another's runtime, in place of this computer's stack")
    .option(
      "--token-file <file>",
      "your token there, read again as it is renewed (default: $OPENAGENTS_TOKEN)",
    );
  addDataDirOption(command);
}
