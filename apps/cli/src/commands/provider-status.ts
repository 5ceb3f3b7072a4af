import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import { identityOf, readState, stateJson, stateLines, type IdentityOptions } from "../provider/index.ts";
import { addIdentityOptions } from "./identity-options.ts";

const HELP = `
Shows whether this computer sells, at which price, how many jobs it did, what became
of the last one and why it was not paid for if so, and whether the market sees it.

Examples:
  openagents provider status
  openagents provider status --json | jq .worker

Exit codes: 0 looked, whatever the state; 1 could not look.`;

export function statusCommand(context: Context): Command {
  const command = new Command("status").description("how it goes").addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const identity = identityOf(context, options);
    const state = await readState(identity);
    const lines =
      options.json === true
        ? [stateJson(state, context.nowMs())]
        : stateLines(state, identity.flags, context.nowMs(), context.out.style);
    for (const line of lines) context.out.line(line);
    return EXIT.ok;
  });
}
