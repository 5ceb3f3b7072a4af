// A runtime that is not this computer's, and the user's token there.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CliError, EXIT } from "./cli-error.ts";
import type { ClientSettings } from "@openagents/autopilot";
import type { Command } from "commander";
import type { Context, DataDirOption } from "./context.ts";
import { isTrustworthy } from "./operators.ts";

const TOKEN_BYTES_MAX = 16_384;

export type RemoteOptions = DataDirOption & { readonly runtime?: string; readonly tokenFile?: string };

export function addRemoteOptions(command: Command, what: string): Command {
  return command
    .option("--runtime <url>", what)
    .option(
      "--token-file <file>",
      "your token there, read again as it is renewed (default: $OPENAGENTS_TOKEN)",
    );
}

/** The named runtime; undefined where none is. Throws `usage`, `token_missing`, `token_file_unreadable`. */
export function remoteClient(
  context: Context,
  { runtime, tokenFile }: RemoteOptions,
  doing: string,
): ClientSettings | undefined {
  if (runtime !== undefined)
    return { baseUrl: parseRuntimeUrl(runtime), token: remoteToken(context, tokenFile, doing) };
  if (tokenFile === undefined) return undefined;
  throw new CliError("usage", "--token-file goes with --runtime", { exitCode: EXIT.usage });
}

/** The runtime's address without a slash at its end. Throws a usage error that names it. */
export function parseRuntimeUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // Whoever sits between us and a plain http address could take the token.
  if (url !== undefined && isTrustworthy(url)) return url.href.replace(/\/$/, "");
  throw new CliError(
    "usage",
    `\`${address.slice(0, 100)}\` is no address of a runtime: give https://… (http only on this computer)`,
    { nextStep: "check the address of --runtime", exitCode: EXIT.usage },
  );
}

/** Tokens live for minutes: the file is read each time, so that whoever renews it is heard. */
export function remoteToken(
  context: Context,
  tokenFile: string | undefined,
  doing: string,
): () => Promise<string> {
  if (tokenFile !== undefined) {
    const file = resolve(tokenFile);
    readToken(file);
    return async () => readToken(file);
  }
  const token = context.env["OPENAGENTS_TOKEN"]?.trim();
  if (token === undefined || token === "") {
    throw new CliError("token_missing", `${doing} needs a token of yours there`, {
      nextStep: "give --token-file FILE, or set OPENAGENTS_TOKEN",
      exitCode: EXIT.usage,
    });
  }
  return async () => token;
}

function readToken(file: string): string {
  try {
    const token = readFileSync(file, "utf8").trim();
    if (token !== "" && token.length <= TOKEN_BYTES_MAX && !/\s/.test(token)) return token;
  } catch (cause) {
    throw new CliError("token_file_unreadable", `${file} cannot be read`, {
      nextStep: "name the file that holds your token",
      cause,
    });
  }
  throw new CliError("token_file_unreadable", `${file} does not hold a token`, {
    nextStep: "put the token alone into it",
  });
}
