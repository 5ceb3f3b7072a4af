// Selling in this process until it is told to stop.

import { accessSync, constants } from "node:fs";
import { join, resolve } from "node:path";
import type { ProviderEnd } from "@openagents/autopilot";
import { openStackLog, requireFreeSeat, startSeller, type SellerRecord } from "@openagents/stack";
import { CliError, EXIT } from "../cli-error.ts";
import { dataDirOf, type Context } from "../context.ts";
import type { Identity, IdentityOptions } from "./identity.ts";
import type { SaleEvent } from "./lines.ts";
import { requireRuntime, watchPayment } from "./look-up.ts";
import { pricesOf, type PriceOptions } from "./prices.ts";
import { toolchainWords, toolchainsFor } from "./toolchains.ts";

export type SellOptions = IdentityOptions &
  PriceOptions & {
    readonly name?: string;
    readonly toolchain?: readonly string[];
    readonly memory?: number;
    readonly disk?: number;
    /** Seconds. */
    readonly cpuMax?: number;
    readonly perHourMax?: bigint;
    readonly concurrent?: number;
    readonly listen?: number;
    readonly endpoint?: string;
    readonly opinions?: string;
  };

/** As the provider's loop runs it; not imported, because that would load it before anything is checked. */
const ANSWER_FILE = "answer";
const MEMORY_MIB = 2_048;
const DISK_MIB = 1_024;
const WALL_MS = 600_000n;
/** Jobs whose payment is watched at one time. */
const WATCHED_MAX = 16;

/**
 * Sell until `signal` aborts. `onReady` is told once, when jobs can come. Throws
 * what the sandbox, the tools, the seat and the registration throw.
 */
export async function sell(
  context: Context,
  identity: Identity,
  options: SellOptions,
  signal: AbortSignal,
  on: {
    readonly step: (name: string) => (detail: string) => void;
    readonly ready: (record: SellerRecord) => void;
    readonly event: (event: SaleEvent) => void;
  },
): Promise<ProviderEnd> {
  requireFreeSeat(identity.seat);
  const client = identity.client();
  const opinions = options.opinions === undefined ? undefined : programAt(options.opinions);
  // Later it is waited for; at the start its absence is more likely a wrong address.
  await requireRuntime(client.baseUrl);
  const dataDir = dataDirOf(context, options);
  const preparing = on.step("sandbox");
  const { createSandbox } = await import("@openagents/sandbox");
  const sandbox = await createSandbox();
  preparing(`${sandbox.sandbox}, limits by ${sandbox.limitsBy}`);
  const finding = on.step("toolchains");
  const toolchains = await toolchainsFor(options.toolchain);
  finding(toolchainWords(toolchains));

  let watched = 0;
  const watch = (jobId: string) => {
    if (watched >= WATCHED_MAX) return;
    watched += 1;
    void watchPayment(client, jobId, signal).then((payment) => {
      watched -= 1;
      if (payment !== undefined) on.event({ type: "payment", jobId, payment });
    });
  };
  const registering = on.step("register");
  const seller = await startSeller({
    seat: identity.seat,
    client,
    displayName: options.name ?? identity.displayName,
    ...pricesOf(options, identity.priceMsats),
    caps: {
      memoryMibMax: options.memory ?? MEMORY_MIB,
      diskMibMax: options.disk ?? DISK_MIB,
      wallMsMax: WALL_MS,
      concurrentJobsMax: options.concurrent ?? 1,
      ...(options.cpuMax === undefined ? {} : { cpuMsMax: BigInt(options.cpuMax) * 1_000n }),
      ...(options.perHourMax === undefined ? {} : { msatsPerHourMax: options.perHourMax }),
    },
    sandbox,
    toolchains,
    opinions,
    listen:
      options.listen === undefined ? undefined : { port: options.listen, endpointUrl: options.endpoint },
    log: openStackLog(dataDir, logNameOf(identity)),
    nowMs: context.nowMs,
    signal,
    onEvent(event) {
      if (event.type === "registered") return;
      on.event(event);
      if (event.type === "job_reported" && event.outcome === "result") watch(event.jobId);
    },
  });
  registering(seller.record.workerId);
  on.ready(seller.record);
  return seller.ended;
}

/** The folder of the owner's program. Throws `program_missing`. */
function programAt(folder: string): string {
  const file = join(resolve(folder), ANSWER_FILE);
  try {
    accessSync(file, constants.X_OK);
  } catch (cause) {
    throw new CliError("program_missing", `${file} is no program that can be run`, {
      nextStep: "see `openagents provider start --help` for what it reads and prints",
      exitCode: EXIT.usage,
      cause,
    });
  }
  return resolve(folder);
}

/** Its log is beside the stack's. */
export function logNameOf({ seat }: Identity): string {
  return `provider-${seat.key}`;
}
