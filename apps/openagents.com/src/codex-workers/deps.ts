import type { Authority, Follower } from "@openagents/authority";
import { ProblemError, type Principal } from "@openagents/contracts";
import type { Database, Queryable, Tx } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import type { FindDeviceOwner, PersonOf } from "../persons/index.ts";
import type { TurnSink } from "./call.ts";
import { findWorker, lockWorker } from "./store.ts";
import type { CodexWorker } from "./worker.ts";

export type CodexWorkerDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly follower: Follower;
  readonly nowMs: () => number;
  readonly personOf: PersonOf;
  readonly findDeviceOwner: FindDeviceOwner;
  readonly turns: TurnSink;
  /** Whether a thread is the person's. */
  readonly ownsThread: (q: Queryable, org: string, owner: string, threadId: string) => Promise<boolean>;
};

type Reach = Pick<CodexWorkerDeps, "personOf">;

/** A worker of the person for whom the caller acts. Throws 404 for every other one. */
export async function requireWorker(
  { personOf }: Reach,
  q: Queryable,
  principal: Principal,
  workerId: string,
): Promise<CodexWorker> {
  return assertOwn(await findWorker(q, workerId), principal, await personOf(q, principal), workerId);
}

/** As `requireWorker`, locked until the transaction ends. */
export async function requireLockedWorker(
  { personOf }: Reach,
  tx: Tx,
  principal: Principal,
  workerId: string,
): Promise<CodexWorker> {
  const person = await personOf(tx, principal);
  return assertOwn(await lockWorker(tx, workerId), principal, person, workerId);
}

/** Locked, for the device that it is on: nobody else speaks for a worker, not even its owner. */
export async function requireOwnDevice(
  deps: Reach,
  tx: Tx,
  principal: Principal,
  workerId: string,
): Promise<CodexWorker> {
  const worker = await requireLockedWorker(deps, tx, principal, workerId);
  if (principal.kind === "device" && principal.id === worker.deviceId) return worker;
  throw new ProblemError({
    status: 403,
    code: "device_only",
    detail: `Only the device ${worker.deviceId} speaks for this worker.`,
  });
}

function assertOwn(
  worker: CodexWorker | undefined,
  principal: Principal,
  person: string,
  workerId: string,
): CodexWorker {
  if (worker === undefined || worker.org !== principal.org || worker.owner !== person)
    throw notFound("worker", workerId);
  return worker;
}
