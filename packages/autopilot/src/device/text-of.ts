import type { JsonValue } from "@openagents/contracts";

/** A text of what was sent; empty for anything else, which no request of ours carries there. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
