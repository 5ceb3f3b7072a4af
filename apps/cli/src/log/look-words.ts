// What a look at a log found: a line for people, an object for machines. Pure.

import type { Checkpoint } from "@openagents/receipts";
import type { Look } from "./watch-log.ts";

export function isFine({ kind }: Look): boolean {
  return kind === "first" || kind === "unchanged" || kind === "grown";
}

export function lookLine(look: Look): string {
  switch (look.kind) {
    case "first":
      return `first checkpoint of ${look.head.origin} kept: size ${look.head.size}`;
    case "unchanged":
      return `size ${look.head.size}, unchanged`;
    case "grown":
      return `size ${look.head.size}, consistent with size ${look.before?.size ?? 0}`;
    case "unsigned":
      return `✗ ${look.detail}`;
    case "rollback":
      return `✗ rollback: the log shows size ${look.head.size} after ${look.before.size}; both checkpoints are in ${look.evidence}`;
    case "split_view":
      return `✗ split view: two roots for size ${look.head.size}; both checkpoints are in ${look.evidence}`;
    case "fork":
      return `✗ fork: size ${look.before.size} is not the beginning of size ${look.head.size}; both checkpoints are in ${look.evidence}`;
  }
}

export function lookToWire(look: Look, keptPath: string) {
  if (look.kind === "unsigned") return { ok: false, kind: look.kind, detail: look.detail };
  return {
    ok: isFine(look),
    kind: look.kind,
    ...headToWire(look.head),
    ...(look.before === undefined ? {} : { before: headToWire(look.before) }),
    ...("evidence" in look ? { evidence: look.evidence } : { kept_checkpoint: keptPath }),
  };
}

export function headToWire(head: Checkpoint) {
  return { origin: head.origin, size: head.size, root: hexOf(head) };
}

export function hexOf({ root }: Checkpoint): string {
  return Buffer.from(root).toString("hex");
}
