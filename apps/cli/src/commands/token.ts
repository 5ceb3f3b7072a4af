import {
  SYNC_TOKEN_TTL_S_MAX,
  TOKEN_TTL_S_MAX,
  dataDirAt,
  loadKeys,
  mintSyncToken,
  mintToken,
} from "@openagents/stack";
import { Command } from "commander";
import { collectWords, parseTtl } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";

type TokenOptions = DataDirOption & {
  readonly scope?: string[];
  readonly stream?: string[];
  readonly ttl?: number;
};

const HELP = `
Prints an access token of the stack's owner, signed with the key in the data
directory: the token alone, so that it can be used in place. The stack need not
be running. Whoever has the token can act as you until it ends.

With --stream it is a token of the sync lane instead, for any client that speaks
SpacetimeDB's protocol: it reads the streams that are named, or a family of yours
with * for the id, and can do nothing else.

Examples:
  curl -H "Authorization: Bearer $(openagents token)" http://127.0.0.1:4100/internal/v1/runs
  openagents token --scope runs:read --scope receipts:read --ttl 60
  openagents token --stream runtime.run.run_0123….events
  openagents token --stream 'runtime.run.*.events' --stream runtime.stats

Exit codes: 0 printed; 1 no keys here, no such scope or stream, or it would live too long;
            2 wrong arguments.`;

export function tokenCommand(context: Context): Command {
  const command = new Command("token")
    .description("print a fresh access token")
    .option("--scope <scope...>", "only these scopes (default: all)", collectWords)
    .option("--stream <stream...>", "for the sync lane: read these streams only", collectWords)
    .option(
      "--ttl <seconds>",
      "how long it lives, 1 to 600 (default: 600; of the sync lane 300 at most)",
      parseTtl,
    )
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<TokenOptions>(command, async (options) => {
    const keys = loadKeys(dataDirAt(dataDirOf(context, options)));
    const ttlSeconds = options.ttl ?? (options.stream === undefined ? TOKEN_TTL_S_MAX : SYNC_TOKEN_TTL_S_MAX);
    const scopes = options.scope === undefined ? {} : { scopes: options.scope };
    const token =
      options.stream === undefined
        ? await mintToken(keys, { ...scopes, ttlSeconds }, context.nowMs())
        : await mintSyncToken(keys, { ...scopes, streams: options.stream, ttlSeconds }, context.nowMs());
    context.out.line(options.json === true ? JSON.stringify({ token, ttl_seconds: ttlSeconds }) : token);
    return EXIT.ok;
  });
}
