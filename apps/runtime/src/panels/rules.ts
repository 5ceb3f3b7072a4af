import type { Tx } from "@openagents/postgres";
import type { PanelRules, Quote } from "../marketplace/index.ts";
import { findWorker } from "../workers/index.ts";
import { findPanel, listCopies } from "./store.ts";

/** What holds for whoever takes over the copy of a quote; undefined for work that is on no panel. */
export async function findPanelRules(
  tx: Tx,
  { panelId, quoteId }: Pick<Quote, "panelId" | "quoteId">,
): Promise<PanelRules | undefined> {
  if (panelId === undefined) return undefined;
  const panel = await findPanel(tx, panelId);
  if (panel === undefined) throw new Error(`panel ${panelId} vanished`);
  const copies = (await listCopies(tx, panelId)).filter((copy) => copy.quoteId !== quoteId);
  const others = await Promise.all(
    copies.map(({ job, quote }) => findWorker(tx, job?.providerWorkerId ?? quote.providerWorkerId)),
  );
  return { ownDevices: panel.ownDevices, others: others.flatMap((worker) => worker ?? []) };
}
