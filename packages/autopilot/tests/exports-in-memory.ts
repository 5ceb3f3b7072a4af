// A run's exports as the runtime keeps them, in memory: what may be sent, and what
// came of it.

import { randomBytes } from "node:crypto";
import { ProblemError, type Export } from "@openagents/contracts";
import type { ExportLog } from "../src/forge/index.ts";

export function rememberExports(): ExportLog["exports"] {
  const all: Export[] = [];
  const change = (exportId: string, next: (before: Export) => Export): Export => {
    const index = all.findIndex((each) => each.exportId === exportId);
    const before = all[index];
    if (before === undefined) throw refusal(404, "not_found");
    const after = next(before);
    all[index] = after;
    return after;
  };
  return {
    async requestExport({ runId, kind, target, content }) {
      const there = all.find((each) => each.kind === kind && each.target === target);
      if (there !== undefined) {
        if (JSON.stringify(there.content) !== JSON.stringify(content)) throw refusal(409, "export_differs");
        return { export: there };
      }
      const made: Export = {
        exportId: `exp_${randomBytes(16).toString("hex")}`,
        runId,
        kind,
        target,
        content: content ?? {},
        status: "pending",
        marker: `${kind} ${target}`,
        attempts: 0,
        receiptId: "",
        createdAt: 0,
        updatedAt: 0,
      };
      all.push(made);
      return { export: made };
    },
    async listExports() {
      return { exports: all };
    },
    async beginExport({ exportId }) {
      const begun = change(exportId, (before) => {
        if (before.status === "succeeded" || before.status === "unknown")
          throw refusal(409, `export_${before.status}`);
        return { ...before, status: "unknown", attempts: before.attempts + 1 };
      });
      return { export: begun };
    },
    async recordExportOutcome({ exportId, outcome, url, detail }) {
      const recorded = change(exportId, (before) => {
        if (outcome === "absent" && before.status !== "unknown") throw refusal(409, "export_not_begun");
        return { ...before, status: outcome === "absent" ? "pending" : outcome, url, detail };
      });
      return { export: recorded };
    },
  };
}

function refusal(status: number, reason: string): ProblemError {
  return new ProblemError({ status, code: `refused_${reason}`, reason, detail: reason });
}
