import { dataDirAt, loadKeys, mintToken } from "@openagents/stack";
import { Command } from "commander";
import { collectWords, parseTtl } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";

type TokenOptions = DataDirOption & { readonly scope?: string[]; readonly ttl?: number };

const HELP = `
Prints an access token of the stack's owner, signed with the key in the data
directory: the token alone, so that it can be used in place. The stack need not
be running. Whoever has the token can act as you until it ends.

Examples:
  curl -H "Authorization: Bearer $(openagents token)" http://127.0.0.1:4100/internal/v1/runs
  openagents token --scope runs:read --scope receipts:read --ttl 60

Exit codes: 0 printed; 1 no keys here, or no such scope; 2 wrong arguments.`;

export function tokenCommand(context: Context): Command {
  const command = new Command("token")
    .description("print a fresh access token")
    .option("--scope <scope...>", "only these scopes (default: all)", collectWords)
    .option("--ttl <seconds>", "how long it lives, 1 to 600 (default: 600)", parseTtl)
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<TokenOptions>(command, async (options) => {
    const keys = loadKeys(dataDirAt(dataDirOf(context, options)));
    const nowMs = context.nowMs();
    const token = await mintToken(
      keys,
      {
        ...(options.scope === undefined ? {} : { scopes: options.scope }),
        ...(options.ttl === undefined ? {} : { ttlSeconds: options.ttl }),
      },
      nowMs,
    );
    context.out.line(
      options.json === true ? JSON.stringify({ token, ttl_seconds: options.ttl ?? 600 }) : token,
    );
    return EXIT.ok;
  });
}
