import type { Command } from "commander";
import { parseProviderName } from "../arguments.ts";
import { addDataDirOption } from "../context.ts";
import { addRemoteOptions } from "../remote-runtime.ts";

/** Which provider of this computer a command is about. */
export function addIdentityOptions(command: Command): void {
  command.option(
    "--as <name>",
    "a provider of its own on this stack, in place of your device",
    parseProviderName,
  );
  addRemoteOptions(command, "another's runtime, in place of this computer's stack");
  addDataDirOption(command);
}
