// Where a run takes place: on the stack that already runs on the data directory,
// or on one that lives as long as the command and all others that came to use it.

import { setTimeout as delay } from "node:timers/promises";
import {
  StackError,
  dataDirAt,
  findRunning,
  homeFolder,
  isPortFree,
  loadKeys,
  openStackLog,
  planPorts,
  shareLock,
  startStack,
  takeLock,
  type DataDir,
  type FileLock,
  type StackKeys,
  type StackRecord,
} from "@openagents/stack";
import { startInBackground } from "../background.ts";
import { CliError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import type { StepList } from "../terminal/index.ts";

export type Place = {
  readonly record: StackRecord;
  readonly keys: StackKeys;
  /** Whether it goes on after the command. */
  readonly stays: boolean;
  /** Answers whether other commands use a stack of ours; once none does, none begins to any more. */
  isUsed(): boolean;
  /** Stop a stack of ours, or leave one of another process. */
  stop(): Promise<void>;
};

export type PlaceOptions = {
  readonly dataDir: string;
  readonly portBase: number | undefined;
  /** Leave the stack running at the end. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
};

/** Another command that starts or stops a stack is done within this. */
const CHANGE_MS_MAX = 60_000;
const LOOK_EVERY_MS = 100;

/** Use the running stack and leave it running, or start one. Waits for one that is being started or stopped. */
export async function openPlace(context: Context, options: PlaceOptions, steps: StepList): Promise<Place> {
  const dataDir = dataDirAt(options.dataDir);
  const step = steps.start("stack", "PostgreSQL, keys, runtime");
  const giveUpAtMs = context.nowMs() + CHANGE_MS_MAX;
  let isPortTaken = false;
  try {
    for (;;) {
      const used = useRunning(dataDir);
      if (used !== undefined) {
        step.done(`already running at ${used.record.runtimeUrl}`);
        return used;
      }
      try {
        const portBase = isPortTaken ? 0 : (options.portBase ?? (await freePortBase()));
        const place = await startPlace(context, { ...options, portBase }, dataDir, (name) =>
          step.update(name),
        );
        step.done(place.record.runtimeUrl);
        return place;
      } catch (error) {
        // Free when we looked, and taken since: whoever named no port minds none.
        const wasTaken = codeOf(error) === "port_in_use" && options.portBase === undefined;
        if (wasTaken && !isPortTaken) {
          isPortTaken = true;
          continue;
        }
        if (codeOf(error) !== "stack_running" || context.nowMs() >= giveUpAtMs) throw error;
      }
      step.update("another command is starting or stopping it");
      await delay(LOOK_EVERY_MS, undefined, { signal: options.signal });
    }
  } catch (error) {
    step.failed("");
    throw error;
  }
}

async function startPlace(
  context: Context,
  options: PlaceOptions,
  dataDir: DataDir,
  onStep: (name: string) => void,
): Promise<Place> {
  const { portBase } = options;
  if (options.keep) {
    const { dataDir: folder, signal } = options;
    const record = await startInBackground(context, { dataDir: folder, portBase, signal });
    return staying(record, loadKeys(dataDir), undefined);
  }
  const stack = await startStack({
    dataDir: options.dataDir,
    home: homeFolder(context.env),
    portBase,
    databaseUrl: context.env["DATABASE_URL"],
    version: context.version,
    log: openStackLog(options.dataDir),
    onStep,
  });
  let alone: FileLock | undefined;
  return {
    record: stack.record,
    keys: stack.keys,
    stays: false,
    isUsed() {
      alone ??= takeLock(dataDir.users);
      return alone === undefined;
    },
    async stop() {
      await stack.stop();
      alone?.release();
    },
  };
}

/** The stack that runs, which is then not stopped under us; undefined also when it is stopping. */
function useRunning(dataDir: DataDir): Place | undefined {
  if (findRunning(dataDir) === undefined) return undefined;
  const share = shareLock(dataDir.users);
  const record = findRunning(dataDir);
  if (share !== undefined && record !== undefined) return staying(record, loadKeys(dataDir), share);
  share?.release();
  return undefined;
}

function staying(record: StackRecord, keys: StackKeys, share: FileLock | undefined): Place {
  return { record, keys, stays: true, isUsed: () => false, stop: async () => share?.release() };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof StackError || error instanceof CliError ? error.code : undefined;
}

/** A first look must not fail because something else has the usual port. */
async function freePortBase(): Promise<number | undefined> {
  const free = await Promise.all(Object.values(planPorts(undefined)).map(isPortFree));
  return free.every(Boolean) ? undefined : 0;
}
