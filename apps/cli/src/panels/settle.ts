// What follows from a panel's decision: each copy is paid or not, and the run ends.

import type { Panel, Settlement } from "@openagents/contracts";
import type { Connection } from "../connection.ts";

/** Settle what the decision says something of. Asked again, it settles what is left. */
export async function settleCopies(connection: Connection, panel: Panel): Promise<readonly Settlement[]> {
  const { ProblemError, Runs, Treasury, createClient } = await import("@openagents/contracts");
  const { client } = connection;
  const { runId, status } = panel;
  if (status === "open" || status === "needs_review") return [];
  const treasury = createClient(Treasury, client);
  const settlements: Settlement[] = [];
  const ignore = (reasons: readonly string[]) => (error: unknown) => {
    if (!(error instanceof ProblemError && reasons.includes(error.reason ?? ""))) throw error;
  };
  for (const { jobId, status: state } of panel.copies) {
    if (jobId === undefined || state !== "verified") continue;
    await treasury
      .settleSandboxRun({ jobId })
      .then(({ settlement }) => settlements.push(settlement))
      .catch(ignore(["already_settled"]));
  }
  const payload = { status: status === "decided" ? "succeeded" : "failed" };
  await createClient(Runs, client)
    .appendRunEvent({ runId, eventType: "run.finished", payload })
    .catch(ignore(["run_finished", "transition_not_allowed"]));
  return settlements;
}
