// Ordering a panel: one run, one quote for all copies, and an order for each.

import { createHash } from "node:crypto";
import type { Panel, QuotePanelRequest } from "@openagents/contracts";
import { CliError } from "../cli-error.ts";
import type { Connection } from "../connection.ts";
import { formatSats } from "../terminal/index.ts";
import { readQuestion } from "./question.ts";

export type Ask = Pick<
  QuotePanelRequest,
  "market" | "ownDevices" | "payOn" | "quorum" | "redundancy" | "decideMs"
> & {
  readonly file: string;
  readonly budgetMsats: bigint;
};

/** All copies, or none: what stops on the way is called off and given back. */
export async function askPanel({ client }: Connection, ask: Ask): Promise<Panel> {
  const { Artifacts, Marketplace, Panels, ProblemError, Runs, Treasury, createClient } =
    await import("@openagents/contracts");
  const artifacts = createClient(Artifacts, client);
  const runs = createClient(Runs, client);
  const treasury = createClient(Treasury, client);
  const { file, budgetMsats, ...terms } = ask;
  const work = await readQuestion(file, async (data) => {
    const sha256 = createHash("sha256").update(data).digest("hex");
    await artifacts.putArtifact({ sha256, content: { contentType: "text/plain", data } });
    return sha256;
  });
  const { run } = await runs.createRun({ metadata: { panel: true } });
  const { runId } = run;
  try {
    await runs.appendRunEvent({ runId, eventType: "run.started", payload: {} });
    const { panel, quotes } = await createClient(Panels, client).quotePanel({
      runId,
      ...work,
      adjudication: terms.redundancy === 1 ? "none" : "majority_vote",
      ...terms,
    });
    if (panel.totalPriceMsats > budgetMsats) {
      throw new CliError(
        "budget_exceeded",
        `the copies cost ${formatSats(panel.totalPriceMsats)}, and the budget is ${formatSats(budgetMsats)}`,
        { nextStep: "raise --budget, or ask fewer owners" },
      );
    }
    const { availableMsats } = await treasury.getComputeSummary({});
    const missing = panel.totalPriceMsats - availableMsats;
    if (missing > 0n) {
      // A stack with real money grants none, and then the reservation says what is missing.
      await treasury
        .grantDemoCredit({ amountMsats: missing, memo: "openagents panels ask" })
        .catch((error: unknown) => {
          if (!(error instanceof ProblemError && error.reason === "demo_grants_disabled")) throw error;
        });
    }
    const market = createClient(Marketplace, client);
    for (const { quoteId, totalPriceMsats } of quotes) {
      const { reservation } = await treasury.reserveCompute({ runId, quoteId, amountMsats: totalPriceMsats });
      await market.dispatchSandboxRun({ quoteId, reservationId: reservation.reservationId });
    }
    return (await createClient(Panels, client).getPanel({ panelId: panel.panelId })).panel;
  } catch (cause) {
    await runs.cancelRun({ runId, reason: "the panel was not ordered whole" }).catch(() => undefined);
    throw cause;
  }
}
