// What a device works on ends when the device is disabled: its workers at the
// runtime get no jobs, what they hold is called off, and runs that it opened are
// canceled and ended: the device itself can say no more, and would leave them open.
//
// WORK-1  A device that is not enrolled is looked at until its work has ended, also by the next process.
// WORK-2  A step is asked of the runtime under a key of its own, so that a repeat has one effect.
// Held by packages/stack/src/device-stop.pg.test.ts, and while the device works by tests/console.e2e.test.ts.

import { randomUUID } from "node:crypto";
import {
  ProblemError,
  Runs,
  Workers,
  createClient,
  methodsOf,
  type Client,
  type Contract,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { startSweep, type Logger } from "@openagents/service";
import type { Signer } from "../tokens/index.ts";
import { listDevicesToEnd, markWorkEnded, type StoppedDevice } from "./store.ts";

export type DeviceWork = AsyncDisposable & {
  /** A device was disabled or revoked: look now. */
  stopped(): void;
};

export type DeviceWorkDeps = {
  readonly db: Database;
  readonly signer: Signer;
  readonly runtimeUrl: string;
  readonly log: Logger;
  readonly nowMs: () => number;
};

const LOOK_EVERY_MS = 2_000;
const ANSWER_MS_MAX = 10_000;
const PAGE = 200;
const TOKEN_LIFE_S = 60;
/** Canceling, too: whoever asked before may have been cut off before the end. */
const OPEN = ["created", "running", "canceling"] as const;

/** Begin to look; disposing it waits for the look that goes on. */
export function startDeviceWork(deps: DeviceWorkDeps): DeviceWork {
  let waiting: (() => void) | undefined;
  const sweep = startSweep({
    what: "devices that were stopped",
    everyMs: LOOK_EVERY_MS,
    log: deps.log,
    // Sooner, when somebody says that there is something to do.
    after(ms, act) {
      const timer = setTimeout(() => waiting?.(), ms);
      waiting = () => {
        waiting = undefined;
        clearTimeout(timer);
        void act();
      };
      return () => {
        waiting = undefined;
        clearTimeout(timer);
      };
    },
    async look(signal) {
      for (const device of await listDevicesToEnd(deps.db)) {
        if (signal.aborted) return;
        await endWorkOf(deps, device, signal);
        await markWorkEnded(deps.db, device, deps.nowMs());
      }
    },
  });
  return {
    stopped: () => waiting?.(),
    [Symbol.asyncDispose]: () => sweep[Symbol.asyncDispose](),
  };
}

async function endWorkOf(deps: DeviceWorkDeps, device: StoppedDevice, signal: AbortSignal): Promise<void> {
  const { deviceId, statusAtMs } = device;
  const reason = `the device ${device.name} was ${device.status}`;
  const options = {
    baseUrl: deps.runtimeUrl,
    token: await tokenFor(deps.signer, device),
    timeoutMs: ANSWER_MS_MAX,
  };
  const workers = createClient(Workers, options);
  const runs = createClient(Runs, options);
  const keyOf = (step: string) => `${deviceId}:${statusAtMs}:${step}`;

  for await (const page of pages((cursor) => workers.listWorkers({ limit: PAGE, cursor }, { signal }))) {
    for (const { workerId, owner, status } of page.workers) {
      if (owner !== deviceId || status === "disabled") continue;
      await workers.disableWorker({ workerId, reason }, { signal, idempotencyKey: keyOf(workerId) });
    }
  }
  for (const status of OPEN) {
    for await (const page of pages((cursor) => runs.listRuns({ limit: PAGE, status, cursor }, { signal }))) {
      for (const { runId, createdBy } of page.runs) {
        if (createdBy !== deviceId) continue;
        try {
          await runs.cancelRun({ runId, reason }, { signal, idempotencyKey: keyOf(runId) });
          await endRun(runs, runId, reason, keyOf(`${runId}:end`), signal);
        } catch (error) {
          // It has ended in the meantime.
          if (!(error instanceof ProblemError && error.reason === "run_finished")) throw error;
        }
      }
    }
  }
}

type RunsClient = typeof Runs extends Contract<infer Methods> ? Client<Methods> : never;

/** In the place of the executor that was stopped, whose lease fences everybody else; a run without one is taken first. */
async function endRun(
  runs: RunsClient,
  runId: string,
  detail: string,
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<void> {
  const { run } = await runs.getRun({ runId }, { signal });
  const executorId = `exe_${randomUUID().replaceAll("-", "")}`;
  const lease = run.executor ?? (await runs.acquireExecutor({ runId, executorId }, { signal })).lease;
  const payload = { status: "canceled", step: "device", code: "device_stopped", detail };
  await runs.appendRunEvent(
    { runId, eventType: "run.finished", payload, executorEpoch: lease.epoch },
    { signal, idempotencyKey },
  );
}

async function* pages<Page extends { readonly nextCursor?: string | undefined }>(
  read: (cursor: string | undefined) => Promise<Page>,
): AsyncGenerator<Page> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield page;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** In the device's organisation, for these steps alone. */
function tokenFor(signer: Signer, { org, deviceId }: StoppedDevice): Promise<string> {
  const scopes = [
    scopeOf(Workers, "listWorkers"),
    scopeOf(Workers, "disableWorker"),
    scopeOf(Runs, "listRuns"),
    scopeOf(Runs, "getRun"),
    scopeOf(Runs, "cancelRun"),
    scopeOf(Runs, "acquireExecutor"),
    scopeOf(Runs, "appendRunEvent"),
  ];
  const claims = { sub: "svc_control", org, scopes, zone: "0", sid: `end:${deviceId}` } as const;
  return signer.access(claims, TOKEN_LIFE_S);
}

function scopeOf(contract: Contract, localName: string): string {
  const method = methodsOf(contract).find((each) => each.localName === localName);
  if (method === undefined) throw new Error(`the contract has no ${localName}`);
  return method.scope;
}
