// The running stack of a data directory, as its owner.

import {
  dataDirAt,
  findRunning,
  loadKeys,
  localOwner,
  tokenSource,
  type StackRecord,
} from "@openagents/stack";
import { CliError } from "./cli-error.ts";
import { dataDirOf, type Context, type DataDirOption } from "./context.ts";

export type Connection = {
  readonly record: StackRecord;
  /** What `createClient` takes. */
  readonly client: { readonly baseUrl: string; readonly token: () => Promise<string> };
};

/** Throws `stack_not_running` when no stack serves on the data directory. */
export function connect(context: Context, options: DataDirOption): Connection {
  const dataDir = dataDirAt(dataDirOf(context, options));
  const record = findRunning(dataDir);
  if (record === undefined) {
    throw new CliError("stack_not_running", `no stack is running on ${dataDir.root}`, {
      nextStep: "start one with `openagents up --detach`",
    });
  }
  const keys = loadKeys(dataDir);
  return {
    record,
    client: { baseUrl: record.runtimeUrl, token: tokenSource(keys, localOwner(keys), context.nowMs) },
  };
}
