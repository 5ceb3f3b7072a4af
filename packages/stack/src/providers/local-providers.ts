// Providers on this computer, so that one machine has a whole market: two that
// compete, each in an organisation of its own; the owner's own device, which
// runs again what others sold; the operator's reserve, which decides when two
// disagree. All work in the sandbox like any other: being local earns no trust.

import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@openagents/service";
import type { DataDir } from "../data-dir.ts";
import type { StackKeys } from "../keys.ts";
import { findHolder, takeLock } from "../lock.ts";
import { makePrivateFolder } from "../private-files.ts";
import { StackError } from "../stack-error.ts";
import { localDevice, localProvider, localReserve, tokenSource, type LocalPrincipal } from "../tokens.ts";
import { providerSeatAt, setLockOf } from "./provider-seat.ts";
import { findSeller } from "./seller-record.ts";
import { startSeller } from "./seller.ts";

export type LocalProvider = {
  readonly role: "market" | "own_device" | "reserve";
  readonly workerId: string;
  readonly displayName: string;
  readonly priceMsats: bigint;
};

export type LocalProviders = {
  /** Market first, in the order of their prices. */
  readonly providers: readonly LocalProvider[];
  /** `another_command`: that one runs them, and we take over when it ends. */
  readonly runBy: "us" | "another_command";
  /** How jobs are confined here, such as `bubblewrap 0.8.0`; absent when another command runs them. */
  readonly sandbox?: string;
  /** Stop claiming, finish what runs within a minute, and end. At once when the signal aborts. Safe to call twice. */
  stop(): Promise<void>;
};

export type LocalProvidersOptions = {
  readonly dataDir: DataDir;
  readonly keys: StackKeys;
  readonly runtimeUrl: string;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
};

type Offer = Omit<LocalProvider, "workerId"> & {
  /** Of a run that is paid for whatever its verdict: less, because its provider risks nothing. */
  readonly executionPriceMsats: bigint;
  readonly principal: LocalPrincipal;
};

/** Different prices in the market, so that the selection has something to decide. */
function offersOf(keys: StackKeys): readonly Offer[] {
  return [
    {
      role: "market",
      displayName: "Provider A",
      priceMsats: 180_000n,
      executionPriceMsats: 120_000n,
      principal: localProvider("a"),
    },
    {
      role: "market",
      displayName: "Provider B",
      priceMsats: 240_000n,
      executionPriceMsats: 160_000n,
      principal: localProvider("b"),
    },
    {
      role: "own_device",
      displayName: "This computer",
      priceMsats: 1_000n,
      executionPriceMsats: 1_000n,
      principal: localDevice(keys),
    },
    {
      role: "reserve",
      displayName: "Operator's reserve (local)",
      priceMsats: 1_000n,
      executionPriceMsats: 1_000n,
      principal: localReserve,
    },
  ];
}

const CAPS = { memoryMibMax: 2048, diskMibMax: 1024, wallMsMax: 600_000n, concurrentJobsMax: 1 } as const;

/** How long the providers of another command may take to register. */
const OTHERS_MS_MAX = 30_000;
const OTHERS_POLL_MS = 100;
/** The owner waits for this at the end of a command, so not for long. */
const DRAIN_MS_MAX = 60_000;
/** How soon we notice that the other command is gone. */
const TAKE_OVER_POLL_MS = 1_000;

/**
 * Start the providers of a data directory and wait until all are registered. They
 * keep their workers from one start to the next. One that already sells by
 * itself (`openagents provider start`) stays as it is. Throws `providers_running`
 * when another command runs them, and what the sandbox or a registration throws.
 */
export async function startLocalProviders(options: LocalProvidersOptions): Promise<LocalProviders> {
  const { dataDir, keys, log, nowMs } = options;
  await using parts = new AsyncDisposableStack();
  makePrivateFolder(dataDir.providers);
  const lock = takeLock(setLockOf(dataDir));
  if (lock === undefined) throw setRunning(dataDir);
  parts.defer(() => lock.release());

  // Loaded here because most commands need neither and must start fast.
  const [{ findToolchains }, { createSandbox }] = await Promise.all([
    import("@openagents/autopilot"),
    import("@openagents/sandbox"),
  ]);
  const found = Promise.all([createSandbox(), findToolchains()]);
  const [sandbox, toolchains] = await untilAborted(found, options.signal);
  const drain = new AbortController();
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  const ends: Promise<unknown>[] = [];
  parts.defer(async () => {
    drain.abort();
    // What another command ordered is finished, since that one would get no answer.
    const bound = setTimeout(() => stopped.abort(), DRAIN_MS_MAX);
    await Promise.all(ends);
    clearTimeout(bound);
  });

  const start = async ({ principal, executionPriceMsats, ...offer }: Offer): Promise<LocalProvider> => {
    const seat = providerSeatAt(dataDir, principal.sub);
    const already = findSeller(seat);
    if (already !== undefined && already.runtimeUrl === options.runtimeUrl) {
      const { workerId, displayName, priceMsats } = already;
      return { role: offer.role, workerId, displayName, priceMsats };
    }
    const client = { baseUrl: options.runtimeUrl, token: tokenSource(keys, principal, nowMs) };
    const { displayName, priceMsats } = offer;
    const prices = { priceMsats, executionPriceMsats };
    const terms = { seat, client, displayName, ...prices, caps: CAPS, sandbox, toolchains };
    const starting = startSeller({ ...terms, log, nowMs, signal, drain: drain.signal });
    ends.push(starting.then(({ ended }) => ended).catch(() => undefined));
    return { ...offer, workerId: (await starting).record.workerId };
  };
  const providers = await Promise.all(offersOf(keys).map(start));
  const running = parts.move();
  return { providers, runBy: "us", sandbox: sandbox.sandbox, stop: () => running.disposeAsync() };
}

/**
 * See to it that the providers of a data directory run: start them, or find that
 * another command runs them. We then take over when that one ends, so that what
 * was ordered meanwhile does not wait for nobody.
 */
export async function ensureLocalProviders(options: LocalProvidersOptions): Promise<LocalProviders> {
  const deadline = Date.now() + OTHERS_MS_MAX;
  for (;;) {
    options.signal.throwIfAborted();
    try {
      return await startLocalProviders(options);
    } catch (error) {
      if (!isSetRunning(error) || Date.now() >= deadline) throw error;
    }
    const others = findOthers(options);
    if (others !== undefined) return standBy(options, others);
    await delay(OTHERS_POLL_MS, undefined, { signal: options.signal });
  }
}

/** The providers that another command runs; undefined until all of them are registered. */
function findOthers({ dataDir, keys }: LocalProvidersOptions): readonly LocalProvider[] | undefined {
  const providers = offersOf(keys).flatMap(({ role, principal }) => {
    const record = findSeller(providerSeatAt(dataDir, principal.sub));
    if (record === undefined) return [];
    const { workerId, displayName, priceMsats } = record;
    return [{ role, workerId, displayName, priceMsats }];
  });
  return providers.length === offersOf(keys).length ? providers : undefined;
}

function standBy(options: LocalProvidersOptions, providers: readonly LocalProvider[]): LocalProviders {
  const done = new AbortController();
  const own = takeOver(options, AbortSignal.any([options.signal, done.signal]));
  return {
    providers,
    runBy: "another_command",
    async stop() {
      done.abort();
      await (await own)?.stop();
    },
  };
}

/**
 * Wait until nobody runs the providers, then do. Never rejects. Those that were
 * taken over end as others do: `waiting` ends only the wait.
 */
async function takeOver(
  options: LocalProvidersOptions,
  waiting: AbortSignal,
): Promise<LocalProviders | undefined> {
  const { dataDir, log, signal } = options;
  while (await passed(TAKE_OVER_POLL_MS, waiting)) {
    // Cheaper than trying the lock, which starts a process.
    if (findHolder(setLockOf(dataDir)) !== undefined) continue;
    try {
      return await startLocalProviders(options);
    } catch (error) {
      if (!signal.aborted && !isSetRunning(error)) log.warn({ err: error }, "local providers not taken over");
    }
  }
  return undefined;
}

async function passed(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}

function setRunning(dataDir: DataDir): StackError {
  return new StackError(
    "providers_running",
    `the local providers of ${dataDir.root} are in use by another command`,
    "wait until it has ended, or use another --data-dir",
  );
}

function isSetRunning(error: unknown): boolean {
  return error instanceof StackError && error.code === "providers_running";
}

/** Ctrl-C must not wait for a machine that does not answer. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
}
