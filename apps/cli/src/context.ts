// What commands may touch of the process, so that tests can give them another one.

import { join, resolve } from "node:path";
import { homeFolder } from "@openagents/stack";
import type { Command } from "commander";
import type { Output } from "./terminal/index.ts";

export type Context = {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream & AsyncIterable<Uint8Array>;
  readonly version: string;
  /** The repository that this program runs from. */
  readonly root: string;
  readonly nowMs: () => number;
};

/** Options that every command takes. */
export type GlobalOptions = { readonly json?: true };

export type DataDirOption = { readonly dataDir?: string };

/** The data directory that a command works on. */
export function dataDirOf(context: Context, options: DataDirOption): string {
  return resolve(options.dataDir ?? homeFolder(context.env));
}

export function mainFile(context: Context): string {
  return join(context.root, "apps/cli/src/main.ts");
}

export function addDataDirOption(command: Command): Command {
  return command.option(
    "--data-dir <dir>",
    "the stack's folder (default: $OPENAGENTS_HOME, else ~/.openagents)",
  );
}

export type CommandBody<O> = (options: O & GlobalOptions, args: string[]) => Promise<number>;

/** Where a command leaves its exit code; commander has no place for it. */
const exitCodes = new WeakMap<Command, number>();

/** Run a body as a command's action and keep the exit code that it answers. */
export function setBody<O>(command: Command, body: CommandBody<O>): Command {
  return command.action(async () => {
    exitCodes.set(rootOf(command), await body(command.optsWithGlobals(), command.args));
  });
}

export function exitCodeOf(program: Command): number {
  return exitCodes.get(program) ?? 0;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
