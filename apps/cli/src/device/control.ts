// The control service that a command is about: of this computer's stack, or another's.

import { dataDirAt, loadKeys, localOwner, tokenSource } from "@openagents/stack";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { dataDirOf, type Context, type DataDirOption } from "../context.ts";
import { parseRuntimeUrl, remoteToken } from "../remote-runtime.ts";

export type ControlOptions = DataDirOption & { readonly control?: string; readonly tokenFile?: string };

export type ControlConnection = {
  readonly baseUrl: string;
  /** Of the person who lets devices in. */
  readonly personToken: () => Promise<string>;
};

/** Throws `stack_not_running`, `usage`, `token_missing`, `token_file_unreadable`. */
export function connectControl(context: Context, options: ControlOptions): ControlConnection {
  const { control, tokenFile } = options;
  if (control !== undefined) {
    return {
      baseUrl: parseRuntimeUrl(control),
      // Asked for only when somebody has to let the device in.
      personToken: async () => remoteToken(context, tokenFile, "letting a device in")(),
    };
  }
  if (tokenFile !== undefined)
    throw new CliError("usage", "--token-file goes with --control", { exitCode: EXIT.usage });
  const { record } = connect(context, options);
  const keys = loadKeys(dataDirAt(dataDirOf(context, options)));
  return { baseUrl: record.controlUrl, personToken: tokenSource(keys, localOwner(keys), context.nowMs) };
}
