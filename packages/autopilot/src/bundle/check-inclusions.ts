// Every receipt of a bundle is in the operator's transparency log: each proof
// leads to a checkpoint that the log's key signed, and no size has two roots.

import { checkInclusion, type InclusionCheck } from "@openagents/receipts";
import { NotChecked, type Problems } from "./claims.ts";
import type { SignedFile } from "./signed.ts";

export function checkInclusions(
  files: ReadonlyMap<string, SignedFile>,
  logKeys: readonly string[],
  problems: Problems,
): string {
  const unchecked: string[] = [];
  const roots = new Map<string, string>();
  const logs = new Set<string>();
  for (const [path, { document }] of files) {
    const check: InclusionCheck = checkInclusion(document, logKeys);
    if (check.state === "fails") problems.add(`${path}: ${check.detail}`);
    if (check.state === "not_checked") unchecked.push(`${path}: ${check.detail}`);
    if (check.proven === undefined) continue;
    const { logKey, size, root } = check.proven;
    logs.add(logKey);
    const head = `${logKey} at size ${size}`;
    if ((roots.get(head) ?? root) !== root) problems.add(`${path}: ${head} has two roots`);
    roots.set(head, root);
  }
  if (logs.size > 1) problems.add(`the receipts are in ${logs.size} logs`);
  const [first] = unchecked;
  if (first !== undefined)
    throw new NotChecked(unchecked.length === 1 ? first : `${first}; and ${unchecked.length - 1} more`);
  return `${files.size} receipts, the manifest among them, are in the log ${[...logs].join()}`;
}
