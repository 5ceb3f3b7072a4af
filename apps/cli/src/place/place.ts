// Where a run takes place: on the stack that already runs on the data directory,
// or on one that lives as long as the command.

import {
  dataDirAt,
  findRunning,
  homeFolder,
  isPortFree,
  loadKeys,
  openStackLog,
  planPorts,
  startStack,
  type StackKeys,
  type StackRecord,
} from "@openagents/stack";
import { startInBackground } from "../background.ts";
import type { Context } from "../context.ts";
import type { StepList } from "../terminal/index.ts";

export type Place = {
  readonly record: StackRecord;
  readonly keys: StackKeys;
  /** Whether it goes on after the command. */
  readonly stays: boolean;
  stop(): Promise<void>;
};

export type PlaceOptions = {
  readonly dataDir: string;
  readonly portBase: number | undefined;
  /** Leave the stack running at the end. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
};

/** Use the running stack and leave it running, or start one. */
export async function openPlace(context: Context, options: PlaceOptions, steps: StepList): Promise<Place> {
  const dataDir = dataDirAt(options.dataDir);
  const running = findRunning(dataDir);
  if (running !== undefined) {
    steps.start("stack").done(`already running at ${running.runtimeUrl}`);
    return staying(running, loadKeys(dataDir));
  }
  const step = steps.start("stack", "PostgreSQL, keys, runtime");
  try {
    const portBase = options.portBase ?? (await freePortBase());
    if (options.keep) {
      const { dataDir: folder, signal } = options;
      const record = await startInBackground(context, { dataDir: folder, portBase, signal });
      step.done(record.runtimeUrl);
      return staying(record, loadKeys(dataDir));
    }
    const stack = await startStack({
      dataDir: options.dataDir,
      home: homeFolder(context.env),
      portBase,
      databaseUrl: context.env["DATABASE_URL"],
      version: context.version,
      log: openStackLog(options.dataDir),
      onStep: (name) => step.update(name),
    });
    step.done(stack.record.runtimeUrl);
    return { record: stack.record, keys: stack.keys, stays: false, stop: () => stack.stop() };
  } catch (error) {
    step.failed("");
    throw error;
  }
}

function staying(record: StackRecord, keys: StackKeys): Place {
  return { record, keys, stays: true, stop: async () => undefined };
}

/** A first look must not fail because something else has the usual port. */
async function freePortBase(): Promise<number | undefined> {
  const free = await Promise.all(Object.values(planPorts(undefined)).map(isPortFree));
  return free.every(Boolean) ? undefined : 0;
}
