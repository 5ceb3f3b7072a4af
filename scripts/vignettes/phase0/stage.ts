// Where a vignette plays: a stack of its own in a temporary folder, its local
// providers with their real sandboxes, a buyer with money, and a repository with
// a bug. Everything after the boot goes over HTTP.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runtimeClients, type RuntimeClients } from "@openagents/autopilot";
import {
  dataDirAt,
  localOwner,
  localProvider,
  openStackLog,
  startLocalProviders,
  startStack,
  tokenSource,
  type LocalPrincipal,
} from "@openagents/stack";
import { openForge, type VignetteForge } from "./forge.ts";
import { prepareOrders, type Orders } from "./orders.ts";
import { replayingFetch, type Replay } from "./replaying-fetch.ts";

export type Stage = {
  readonly buyer: RuntimeClients;
  /** What the buyer was granted. */
  readonly grantedMsats: bigint;
  /** May do what the service does by itself. */
  readonly operator: RuntimeClients;
  /** The two of the market that really run their jobs. */
  readonly providers: readonly Enrolled[];
  readonly orders: Orders;
  readonly forge: VignetteForge;
  /** Who signs receipts here. */
  readonly operatorKey: string;
  readonly signal: AbortSignal;
  clientsOf(principal: LocalPrincipal): RuntimeClients;
};

/** A worker, and the clients of its owner. */
export type Enrolled = { readonly workerId: string; readonly clients: RuntimeClients };

const GRANT_MSATS = 100_000_000n;

/** Boot; whatever is started is deferred to `parts`, also when a later step fails. */
export async function openStage(
  parts: AsyncDisposableStack,
  signal: AbortSignal,
  onReplay: (replay: Replay) => void,
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "openagents-phase0-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const dataDir = join(folder, "data");
  const log = openStackLog(dataDir);
  const stack = await startStack({
    dataDir,
    home: join(folder, "home"),
    portBase: 0,
    version: "phase0",
    log,
  });
  parts.defer(() => stack.stop());
  const { keys, record } = stack;
  const nowMs = Date.now;
  const place = { keys, runtimeUrl: record.runtimeUrl, nowMs, signal };
  const local = await startLocalProviders({ ...place, dataDir: dataDirAt(dataDir), log });
  parts.defer(() => local.stop());

  const fetch = replayingFetch(onReplay);
  const clientsOf = (principal: LocalPrincipal) =>
    runtimeClients({ baseUrl: record.runtimeUrl, token: tokenSource(keys, principal, nowMs), fetch });
  const buyer = clientsOf(localOwner(keys));
  await buyer.treasury.grantDemoCredit({ amountMsats: GRANT_MSATS, memo: "phase 0" }, { signal });
  const orders = await prepareOrders(join(folder, "repo"), buyer, signal);
  return {
    buyer,
    grantedMsats: GRANT_MSATS,
    // On a laptop the owner is the operator too.
    operator: buyer,
    // Sellers may only sell; their owners may read what is on record about them too.
    providers: local.providers
      .filter(({ role }) => role === "market")
      .map(({ workerId }, index) => {
        const { sub, org, zone } = localProvider(index === 0 ? "a" : "b");
        return { workerId, clients: clientsOf({ sub, org, zone }) };
      }),
    orders,
    forge: await openForge(parts, folder, orders.repo, orders.fixFile, orders.issue),
    operatorKey: record.operatorPublicKey,
    signal,
    clientsOf,
  };
}

/** The same stage for a buyer with money of its own, whom the other vignettes do not touch. */
export async function stageOfAnother(stage: Stage, name: string): Promise<Stage> {
  const { operator, signal } = stage;
  const org = `org_${name}`;
  const buyer = stage.clientsOf({ sub: `usr_${name}`, org, zone: "0.5" });
  await operator.treasury.grantDemoCredit({ org, amountMsats: GRANT_MSATS, memo: "phase 0" }, { signal });
  // Artifacts are an organisation's own.
  const orders = await prepareOrders(`${stage.orders.repo}-${name}`, buyer, signal);
  return { ...stage, buyer, orders };
}
