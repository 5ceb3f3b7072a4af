// Whose signatures a verification accepts: the keys named with --operator, or
// else the pinned ones.

import { parseNoteKey, type NoteKey } from "@openagents/receipts";
import { homeFolder, isOperatorKey, listLogPins, listPins } from "@openagents/stack";
import { CliError, EXIT } from "./cli-error.ts";
import type { Context } from "./context.ts";

const FETCH_MS_MAX = 10_000;

/** Named operators replace the pins: who names one wants to know about that one. */
export async function operatorKeys(
  context: Context,
  named: readonly string[] | undefined,
): Promise<string[]> {
  if (named === undefined || named.length === 0) {
    return listPins(homeFolder(context.env)).map((pin) => pin.publicKey);
  }
  return Promise.all(
    named.map(async (operator) => (isOperatorKey(operator) ? operator : fetchKey(operator))),
  );
}

async function fetchKey(operator: string): Promise<string> {
  const url = URL.canParse(operator) ? new URL(operator) : undefined;
  if (url === undefined || !isTrustworthy(url)) {
    throw new CliError("operator_invalid", `\`${operator.slice(0, 100)}\` names no operator`, {
      nextStep: "give a key of 64 lower-case hex digits, or an https address (http only on this computer)",
      exitCode: EXIT.usage,
    });
  }
  const { Receipts, createClient } = await import("@openagents/contracts");
  const client = createClient(Receipts, {
    baseUrl: url.href,
    timeoutMs: FETCH_MS_MAX,
  });
  const { publicKey } = await client.getSigner({});
  if (isOperatorKey(publicKey)) return publicKey;
  throw new CliError("operator_invalid", `${url.host} answered with something that is not a key`);
}

/** Whoever sits between us and a plain http address could answer with a key of their own. */
export function isTrustworthy(url: URL): boolean {
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
}

/** The same for keys of transparency logs; only keys can be named. */
export function logKeys(context: Context, named: readonly string[] | undefined): string[] {
  if (named === undefined || named.length === 0) {
    return listLogPins(homeFolder(context.env)).map((pin) => pin.publicKey);
  }
  for (const key of named) parseLogKey(key);
  return [...named];
}

/** Throws `log_key_invalid`. */
export function parseLogKey(text: string): NoteKey {
  try {
    return parseNoteKey(text);
  } catch (cause) {
    throw new CliError("log_key_invalid", cause instanceof Error ? cause.message : String(cause), {
      nextStep: "a log's key reads name+id+base64; `openagents log show` prints it",
      exitCode: EXIT.usage,
      cause,
    });
  }
}
