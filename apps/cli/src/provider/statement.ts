// A provider's statement as lines of text: a table, JSON, or CSV.

import type { ProviderStatementLine } from "@openagents/contracts";
import { formatSats, formatTime, printable, renderTable, type Style } from "../terminal/index.ts";
import type { Identity } from "./identity.ts";

export type StatementPeriod = { readonly from?: number; readonly to?: number };

const PAGE = 200;

/** Page by page, newest first, so that a long history is never held at once. */
export async function* statementPages(
  identity: Identity,
  period: StatementPeriod,
): AsyncGenerator<readonly ProviderStatementLine[]> {
  const { Statements, createClient } = await import("@openagents/contracts");
  const statements = createClient(Statements, identity.client());
  let cursor: string | undefined;
  do {
    const page = await statements.getProviderStatement({ ...period, cursor, limit: PAGE });
    yield page.lines;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

export async function statementJson(line: ProviderStatementLine): Promise<string> {
  const { encode, providerStatementLineDesc } = await import("@openagents/contracts");
  return JSON.stringify(encode(providerStatementLineDesc, line));
}

export const CSV_HEAD =
  "booked_at,job_id,purpose,worker_id,quoted_msats,earned_msats,operator_fee_msats,balance_msats,withheld_reason,withheld_because";

export function statementCsv(line: ProviderStatementLine): string {
  return [
    new Date(line.bookedAt).toISOString(),
    line.jobId,
    line.purpose,
    line.workerId,
    line.quotedMsats,
    line.earnedMsats,
    line.operatorFeeMsats,
    line.balanceMsats,
    line.withheldReason ?? "",
    line.withheldBecause ?? "",
  ]
    .map((value) => csvField(String(value)))
    .join(",");
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function statementLines(lines: readonly ProviderStatementLine[], style: Style): string[] {
  if (lines.length === 0) return ["Nothing was settled in this time."];
  const columns = [
    { title: "Booked" },
    { title: "Job" },
    { title: "For" },
    { title: "Earned", align: "right" },
    { title: "Operator's fee", align: "right" },
    { title: "Balance", align: "right" },
  ] as const;
  const rows = lines.map((line) => [
    formatTime(line.bookedAt),
    line.jobId,
    line.purpose.replaceAll("_", " "),
    line.earnedMsats === 0n ? "–" : formatSats(line.earnedMsats),
    line.operatorFeeMsats === 0n ? "–" : formatSats(line.operatorFeeMsats),
    formatSats(line.balanceMsats),
  ]);
  const [head = "", ...table] = renderTable([...columns], rows, style);
  return [
    head,
    ...table.flatMap((row, index) => {
      const because = lines[index]?.withheldBecause;
      return because === undefined ? [row] : [row, style.dim(`  ${printable(because)}`)];
    }),
  ];
}
