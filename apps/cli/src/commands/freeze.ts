import type { AuthorityMode } from "@openagents/contracts";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";

type FreezeOptions = DataDirOption & { readonly reason?: string };

const FREEZE_HELP = `
From the answer on the runtime commits no new command: they are refused, and may be
sent again later. Reads go on; work that providers hold already may be handed in, so
artifacts are taken; leases and heartbeats are renewed, and may be given up.

Example:
  openagents freeze --reason "the books are looked at"

Exit codes: 0 frozen; 1 not, or no stack is running.`;

const UNFREEZE_HELP = `
Example:
  openagents unfreeze

Exit codes: 0 writes are active; 1 they are not, or no stack is running.`;

export function freezeCommand(context: Context): Command {
  const command = new Command("freeze").description("freeze all writes").addHelpText("after", FREEZE_HELP);
  return setsMode(context, command, "read_only", "writes are frozen");
}

export function unfreezeCommand(context: Context): Command {
  const command = new Command("unfreeze").description("end a freeze").addHelpText("after", UNFREEZE_HELP);
  return setsMode(context, command, "active", "writes are active");
}

function setsMode(context: Context, command: Command, mode: AuthorityMode, said: string): Command {
  command.option("--reason <text>", "why, for the receipt");
  addDataDirOption(command);
  return setBody<FreezeOptions>(command, async (options) => {
    const { Operations, createClient, encodeText, setAuthorityModeResponseDesc } =
      await import("@openagents/contracts");
    const operations = createClient(Operations, connect(context, options).client);
    const answer = await operations.setAuthorityMode({
      mode,
      reason: options.reason ?? `openagents ${command.name()}`,
    });
    const receipt = answer.receiptId === undefined ? "" : `  ${context.out.style.dim(answer.receiptId)}`;
    const line =
      options.json === true ? encodeText(setAuthorityModeResponseDesc, answer) : `${said}${receipt}`;
    context.out.line(line);
    return EXIT.ok;
  });
}
