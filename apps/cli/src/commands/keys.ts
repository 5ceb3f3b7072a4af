// `openagents keys`: what speaks for an organisation without a person.

import type { ApiKey } from "@openagents/contracts";
import { Command, InvalidArgumentError } from "commander";
import { collectWords, parseLimit, parseTime } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import { addControlOptions, connectControl, type ControlOptions } from "../device/index.ts";
import { formatTime, printable, renderTable } from "../terminal/index.ts";

const HELP = `
An API key is a service account's of your organisation: it outlives whoever made it. It holds
the scopes that you give it, of those that you hold, and never decides what a person has to.
The key itself is shown once, on standard output and nowhere else; what is stored is its hash.
Exchange it for tokens that live ten minutes: POST /api/auth/token, grant_type api_key.

Examples:
  openagents keys create ci --scope runs:write --scope runs:read > key.txt
  openagents keys create nightly --scope receipts:read --expires 2027-01-31 --json
  openagents keys ls
  openagents keys revoke key_0123…

Exit codes: 0 made, shown, or revoked; 1 refused, or no stack is running; 2 wrong arguments.`;

const DOING = "managing keys";

export function keysCommand(context: Context): Command {
  const keys = new Command("keys")
    .description("make API keys of your organisation, list and revoke them")
    .addHelpText("after", HELP);
  for (const command of [listCommand(context), createCommand(context), revokeCommand(context)])
    keys.addCommand(addControlOptions(command));
  return keys;
}

async function openClient(context: Context, options: ControlOptions) {
  const contracts = await import("@openagents/contracts");
  const { baseUrl, fetch, personToken } = connectControl(context, options, DOING);
  return {
    ...contracts,
    client: contracts.createClient(contracts.ApiKeys, { baseUrl, fetch, token: personToken }),
  };
}

type ListOptions = ControlOptions & { readonly limit?: number; readonly cursor?: string };

function listCommand(context: Context): Command {
  const command = new Command("ls")
    .alias("list")
    .description("keys of your organisation, newest first; revoked ones too")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  return setBody<ListOptions>(command, async (options) => {
    const { client, encodeText, listApiKeysResponseDesc } = await openClient(context, options);
    const page = await client.listApiKeys({ limit: options.limit, cursor: options.cursor });
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(listApiKeysResponseDesc, page));
      return EXIT.ok;
    }
    if (page.keys.length === 0) out.line("no keys; `openagents keys create NAME --scope SCOPE` makes one");
    else for (const line of renderTable(TITLES, page.keys.map(rowOf(context)), out.style)) out.line(line);
    if (page.nextCursor !== undefined)
      out.line(out.style.dim(`more: openagents keys ls --cursor ${page.nextCursor}`));
    return EXIT.ok;
  });
}

const TITLES = ["key", "name", "begins", "status", "last used (UTC)", "scopes"].map((title) => ({ title }));

function rowOf(context: Context) {
  return (key: ApiKey): string[] => [
    key.keyId,
    printable(key.name),
    key.prefix,
    statusOf(key, context.nowMs()),
    key.lastUsedAt === undefined ? "never" : formatTime(key.lastUsedAt),
    key.scopes.join(" "),
  ];
}

function statusOf({ revokedAt, expiresAt }: ApiKey, nowMs: number): string {
  if (revokedAt !== undefined) return "revoked";
  if (expiresAt === undefined) return "active";
  return expiresAt <= nowMs ? "expired" : `until ${formatTime(expiresAt)}`;
}

type CreateOptions = ControlOptions & {
  readonly scope: readonly string[];
  readonly expires?: number;
  readonly account?: string;
};

function createCommand(context: Context): Command {
  const command = new Command("create")
    .description("make a key, and print it once")
    .argument("<name>", "what you know it by")
    .requiredOption("--scope <scope>", "what it may do; may be repeated", collectWords)
    .option("--expires <time>", "when it ends, such as 2027-01-31 (UTC); never, when absent", parseTime)
    .option("--account <id>", "a further key of this service account", parseAccount);
  return setBody<CreateOptions>(command, async (options, [name = ""]) => {
    const { client, encodeText, createApiKeyResponseDesc } = await openClient(context, options);
    const made = await client.createApiKey({
      name,
      scopes: [...new Set(options.scope)],
      expiresAt: options.expires,
      serviceAccountId: options.account,
    });
    const { out, err } = context;
    if (options.json === true) {
      out.line(encodeText(createApiKeyResponseDesc, made));
      return EXIT.ok;
    }
    const { key, secret, receiptId } = made;
    err.line(`${key.keyId} of ${key.principal}, ${statusOf(key, context.nowMs())}; receipt ${receiptId}`);
    // Alone on standard output, so that it can be put where it belongs unseen.
    if (secret !== undefined) out.line(secret);
    err.line("keep it now: it is not shown again. `openagents keys revoke` ends it.");
    return EXIT.ok;
  });
}

function revokeCommand(context: Context): Command {
  const command = new Command("revoke")
    .description("end a key; its tokens stop within five seconds everywhere")
    .argument("<key-id>", "", parseKeyId);
  return setBody<ControlOptions>(command, async (options, [keyId = ""]) => {
    const { client, encodeText, revokeApiKeyResponseDesc } = await openClient(context, options);
    const revoked = await client.revokeApiKey({ keyId });
    context.out.line(
      options.json === true
        ? encodeText(revokeApiKeyResponseDesc, revoked)
        : `${keyId} is revoked; receipt ${revoked.receiptId}`,
    );
    return EXIT.ok;
  });
}

function parseKeyId(text: string): string {
  if (/^key_[0-9a-z_]{1,60}$/.test(text)) return text;
  throw new InvalidArgumentError("A key's id begins with key_; `openagents keys ls` shows them.");
}

function parseAccount(text: string): string {
  if (/^sa_[0-9a-z_]{1,60}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "A service account's id begins with sa_; `openagents keys ls --json` shows them.",
  );
}
