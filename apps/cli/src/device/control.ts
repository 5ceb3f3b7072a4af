// The control service that a command is about: of this computer's stack, or another's.

import { dataDirAt, findRunning, loadKeys, localOwner, tokenSource } from "@openagents/stack";
import type { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, dataDirOf, type Context, type DataDirOption } from "../context.ts";
import { parseRuntimeUrl, remoteToken } from "../remote-runtime.ts";

export type ControlOptions = DataDirOption & { readonly control?: string; readonly tokenFile?: string };

export type ControlConnection = {
  /** Where it was when the command began; without a slash at its end. */
  readonly baseUrl: string;
  /** To where it is now, also once the stack was started again on other ports. */
  readonly fetch: typeof globalThis.fetch;
  /** Of the person who lets devices in, and makes keys. */
  readonly personToken: () => Promise<string>;
};

export function addControlOptions(command: Command): Command {
  return addDataDirOption(
    command
      .option("--control <url>", "another's control service, in place of this computer's stack")
      .option("--token-file <file>", "your token there (default: $OPENAGENTS_TOKEN)"),
  );
}

/** `doing` names what a token is needed for. Throws `stack_not_running`, `usage`, `token_missing`, `token_file_unreadable`. */
export function connectControl(
  context: Context,
  options: ControlOptions,
  doing = "letting a device in",
): ControlConnection {
  const { control, tokenFile } = options;
  if (control !== undefined) {
    return {
      baseUrl: parseRuntimeUrl(control),
      fetch: globalThis.fetch,
      // Asked for only when somebody has to let the device in.
      personToken: async () => remoteToken(context, tokenFile, doing)(),
    };
  }
  if (tokenFile !== undefined)
    throw new CliError("usage", "--token-file goes with --control", { exitCode: EXIT.usage });
  const { record } = connect(context, options);
  const dataDir = dataDirAt(dataDirOf(context, options));
  const keys = loadKeys(dataDir);
  const baseUrl = record.controlUrl;
  return {
    baseUrl,
    fetch: async (input, init) => fetch(addressNow(dataDir, baseUrl, input), init),
    personToken: tokenSource(keys, localOwner(keys), context.nowMs),
  };
}

/**
 * While no stack runs nothing is sent: whoever took its port meanwhile would be
 * handed a token. The caller takes it for a control that is away, and tries again.
 */
function addressNow(
  dataDir: ReturnType<typeof dataDirAt>,
  baseUrl: string,
  input: Parameters<typeof fetch>[0],
): string {
  const record = findRunning(dataDir);
  if (record === undefined) throw new TypeError(`no stack is running on ${dataDir.root}`);
  const url = input instanceof Request ? input.url : String(input);
  return `${record.controlUrl}${url.slice(baseUrl.length)}`;
}
