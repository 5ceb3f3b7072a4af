// The log that a command is about: where it is read, and whose signature counts.

import type { NoteKey } from "@openagents/receipts";
import { dataDirAt, findRunning, homeFolder, listLogPins, pinLog } from "@openagents/stack";
import { CliError, EXIT } from "../cli-error.ts";
import { dataDirOf, type Context, type DataDirOption } from "../context.ts";
import { isTrustworthy, parseLogKey } from "../operators.ts";
import type { LogSource } from "./watch-log.ts";

export type LogOptions = DataDirOption & { readonly url?: string; readonly log?: string };

const FETCH_MS_MAX = 10_000;

export type OpenLog = {
  readonly source: LogSource;
  readonly key: NoteKey;
  readonly text: string;
  readonly isNew: boolean;
};

/** The log at an address, with the key that is named, else pinned, else taken from it and pinned. */
export async function openLog(context: Context, options: LogOptions): Promise<OpenLog> {
  const source = await sourceOf(context, options);
  if (options.log !== undefined)
    return { source, key: parseLogKey(options.log), text: options.log, isNew: false };
  const { logKey } = await source.describe();
  const key = parseLogKey(logKey);
  const pinned = pinnedKeys(context).find((pin) => pin.key.name === key.name);
  if (pinned !== undefined) return { source, key: pinned.key, text: pinned.text, isNew: false };
  const home = homeFolder(context.env);
  const isNew = pinLog({
    home,
    key: logKey,
    label: urlOf(context, options) ?? key.name,
    nowMs: context.nowMs(),
  });
  return { source, key, text: logKey, isNew };
}

export function pinnedKeys(context: Context): { readonly key: NoteKey; readonly text: string }[] {
  return listLogPins(homeFolder(context.env)).map(({ publicKey: text }) => ({
    key: parseLogKey(text),
    text,
  }));
}

export function urlOf(context: Context, options: LogOptions): string | undefined {
  return options.url ?? findRunning(dataDirAt(dataDirOf(context, options)))?.runtimeUrl;
}

export async function sourceOf(
  context: Context,
  options: LogOptions,
): Promise<LogSource & { readonly describe: () => Promise<{ readonly logKey: string }> }> {
  const address = urlOf(context, options);
  if (address === undefined) {
    throw new CliError("stack_not_running", "no stack is running here, so there is no log to look at", {
      nextStep: "start one with `openagents up --detach`, or name a service with --url",
    });
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // Whoever sits between us and a plain http address could show us a log of their own.
  if (url === undefined || (options.log === undefined && !isTrustworthy(url))) {
    throw new CliError("url_invalid", `\`${address.slice(0, 100)}\` is no address that can be trusted`, {
      nextStep: "give an https address (http only on this computer), or the log's key with --log",
      exitCode: EXIT.usage,
    });
  }
  const { TransparencyLog, createClient } = await import("@openagents/contracts");
  const client = createClient(TransparencyLog, { baseUrl: address, timeoutMs: FETCH_MS_MAX });
  return {
    checkpoint: async () => Buffer.from((await client.getLogCheckpoint({})).data).toString("utf8"),
    readTile: async (path) => (await client.getTile({ path })).data,
    describe: () => client.getLog({}),
  };
}
