// A device's life: open its worker, take requests in their order, answer each once.
//
// DEV-1  A request is answered once, under a key of its own, however often a process is killed over it.
// DEV-2  While control is away the device waits, and goes on where it was.
// DEV-3  Turns of different threads go on at once, up to a bound; an interrupt passes them all.
// Held by apps/openagents.com/tests/device-run.pg.test.ts.

import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { Agent } from "@openagents/agent";
import { ProblemError, type CodexWorkerCall } from "@openagents/contracts";
import { createSandbox, type Sandbox } from "@openagents/sandbox";
import { reading, type ClientSettings } from "../clients.ts";
import { pauseFor, type Pause } from "../pause.ts";
import type { Source } from "../workspace/index.ts";
import { answerPlainly } from "./answer-plainly.ts";
import { deviceClients, type DeviceClients, type DeviceDeps } from "./deps.ts";
import { doDemo, type DemoRunner } from "./do-demo.ts";
import { doSandbox } from "./do-sandbox.ts";
import { Interrupted, doTurn, type TurnAnswer } from "./do-turn.ts";
import { textOf } from "./text-of.ts";

export type DeviceOptions = {
  readonly client: ClientSettings;
  /** The name of its worker; one of a device's is one worker. */
  readonly name: string;
  readonly agent: Agent;
  /** What the work of a thread begins from; an empty folder where undefined. */
  readonly source?: Source | undefined;
  /** Absolute; must not be shared by two processes. */
  readonly dataDir: string;
  /** Where `sandbox/run` runs; this machine's own when absent. */
  readonly openSandbox?: (() => Promise<Sandbox>) | undefined;
  /** Carries out `run/demo`; without it the device does not know the method. */
  readonly runDemo?: DemoRunner | undefined;
  /** Stops the device: what it works on stays open for the next start. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: DeviceEvent) => void;
  /** For tests. */
  readonly clients?: DeviceClients;
  readonly pause?: Pause;
};

export type DeviceEvent =
  | { readonly type: "opened"; readonly workerId: string }
  | { readonly type: "claimed"; readonly requestId: string; readonly method: string; readonly claims: number }
  | {
      readonly type: "answered";
      readonly requestId: string;
      readonly outcome: "response" | "error";
      readonly detail: string;
    }
  /** Somebody else's answer stands: the time was over, or the worker was stopped. */
  | { readonly type: "too_late"; readonly requestId: string; readonly detail: string }
  | { readonly type: "trouble"; readonly detail: string; readonly retryMs: number };

export type DeviceEnd = {
  readonly reason: "stopped" | "worker_stopped" | "device_disabled";
  readonly workerId: string;
};

const CLAIM_WAIT_MS = 20_000;
/** Claimed and not answered; those above the turns at once wait here. */
const HOLDING_MAX = 16;
const TURNS_MAX = 2;
const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 15_000;

/**
 * Take requests until the signal aborts, or control says that this worker gets
 * none any more. Rejects when the worker cannot be opened: a bad token, a name
 * that another device has.
 */
export async function runDevice(options: DeviceOptions): Promise<DeviceEnd> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const clients = options.clients ?? deviceClients(options.client);
  const pause = options.pause ?? pauseFor;
  const { worker } = await reading(
    () =>
      clients.workers.createCodexWorker(
        {
          name: options.name,
          adapter: options.agent.kind,
          metadata: { agent: options.agent.name },
        },
        { signal: options.signal },
      ),
    options.signal,
    pause,
  );
  const { workerId } = worker;
  options.onEvent?.({ type: "opened", workerId });
  const deps: DeviceDeps = {
    clients,
    workerId,
    agent: options.agent,
    source: options.source,
    dataDir: options.dataDir,
    pause,
  };
  return { reason: await takeRequests(deps, options), workerId };
}

type Held = { readonly interrupt: AbortController; readonly done: Promise<void> };

async function takeRequests(deps: DeviceDeps, options: DeviceOptions): Promise<DeviceEnd["reason"]> {
  const { signal } = options;
  const sessionId = randomUUID();
  const held = new Map<string, Held>();
  const slots = createSlots(TURNS_MAX);
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  let reason: DeviceEnd["reason"] = "stopped";
  let failures = 0;
  while (!stop.aborted) {
    try {
      if (held.size >= HOLDING_MAX) await Promise.race([...held.values()].map(({ done }) => done));
      const { call } = await deps.clients.workers.claimCodexWorkerCall(
        { workerId: deps.workerId, sessionId, holding: [...held.keys()], waitMs: CLAIM_WAIT_MS },
        { signal: stop },
      );
      failures = 0;
      if (call === undefined || held.has(call.requestId)) continue;
      const { requestId, method, claims } = call;
      options.onEvent?.({ type: "claimed", requestId, method, claims });
      const interrupt = new AbortController();
      const done = serve(deps, options, call, { stop, interrupt: interrupt.signal, slots, held }).finally(
        () => held.delete(requestId),
      );
      held.set(requestId, { interrupt, done });
    } catch (cause) {
      if (stop.aborted) break;
      const ending = endingOf(cause);
      if (ending !== undefined) {
        reason = ending;
        ended.abort();
        break;
      }
      failures += 1;
      await backOff(deps, options, failures, cause);
    }
  }
  await Promise.all([...held.values()].map(({ done }) => done));
  return reason;
}

type Serving = {
  readonly stop: AbortSignal;
  readonly interrupt: AbortSignal;
  readonly slots: Slots;
  readonly held: ReadonlyMap<string, Held>;
};

type Carrying = Serving & {
  readonly runDemo: DemoRunner | undefined;
  readonly openSandbox: () => Promise<Sandbox>;
};

/** Carry one request out and answer it. Its own faults are told: the next one is another's. */
async function serve(
  deps: DeviceDeps,
  options: DeviceOptions,
  call: CodexWorkerCall,
  { stop, interrupt, slots, held }: Serving,
): Promise<void> {
  const { requestId } = call;
  const openSandbox = options.openSandbox ?? (() => createSandbox());
  try {
    const answer = await carryOut(deps, call, {
      stop,
      interrupt,
      slots,
      held,
      runDemo: options.runDemo,
      openSandbox,
    });
    const send = () =>
      deps.clients.workers.answerCodexWorkerCall(
        { workerId: deps.workerId, requestId, ...answer },
        { idempotencyKey: `${requestId}:answer`, signal: stop },
      );
    await reading(send, stop, deps.pause);
    const outcome = "error" in answer ? "error" : "response";
    const detail =
      "error" in answer ? answer.error.message : textOf(answer.response["summary"]) || call.method;
    options.onEvent?.({ type: "answered", requestId, outcome, detail });
  } catch (cause) {
    // The next process goes on with it.
    if (stop.aborted) return;
    const late = cause instanceof ProblemError && LATE.has(cause.reason ?? "");
    const detail = cause instanceof Error ? cause.message : String(cause);
    options.onEvent?.(
      late ? { type: "too_late", requestId, detail } : { type: "trouble", detail, retryMs: 0 },
    );
  }
}

const LATE: ReadonlySet<string> = new Set(["already_answered", "request_not_held"]);

async function carryOut(
  deps: DeviceDeps,
  call: CodexWorkerCall,
  { stop, interrupt, slots, held, runDemo, openSandbox }: Carrying,
): Promise<TurnAnswer> {
  const inSlot = async (work: () => Promise<TurnAnswer>) => {
    const release = await slots.take();
    try {
      stop.throwIfAborted();
      return await work();
    } finally {
      release();
    }
  };
  if (call.method === "turn/start") return inSlot(() => doTurn(deps, call, stop, interrupt));
  if (call.method === "sandbox/run") return inSlot(() => doSandbox(deps, openSandbox, call, stop));
  if (call.method === "run/demo" && runDemo !== undefined)
    return inSlot(() => doDemo(deps, runDemo, call, stop, interrupt));
  if (call.method === "turn/interrupt") {
    const turn = held.get(textOf(call.params["request_id"]));
    turn?.interrupt.abort(new Interrupted("a person asked for it"));
    return { response: { status: turn === undefined ? "not_running" : "interrupted" } };
  }
  return answerPlainly(deps, call, stop);
}

type Slots = { take(): Promise<() => void> };

/** At most so many at once; the rest wait in their order. */
function createSlots(max: number): Slots {
  let free = max;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async take() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return release;
    },
  };
}

function endingOf(cause: unknown): DeviceEnd["reason"] | undefined {
  if (!(cause instanceof ProblemError)) return undefined;
  if (cause.reason === "worker_stopped") return "worker_stopped";
  return cause.code === "device_unknown" || cause.code === "device_disabled" ? "device_disabled" : undefined;
}

async function backOff(
  { pause }: DeviceDeps,
  options: DeviceOptions,
  failures: number,
  cause: unknown,
): Promise<void> {
  const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures, 20));
  const retryMs = Math.round(ceilingMs * (0.5 + Math.random() / 2));
  const detail = cause instanceof Error ? cause.message : String(cause);
  options.onEvent?.({ type: "trouble", detail, retryMs });
  await pause(retryMs, options.signal);
}
