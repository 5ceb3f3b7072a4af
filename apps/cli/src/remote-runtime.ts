// A runtime that is not this computer's, and the user's token there.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CliError, EXIT } from "./cli-error.ts";
import type { Context } from "./context.ts";
import { isTrustworthy } from "./operators.ts";

const TOKEN_BYTES_MAX = 16_384;

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
