import type { SyncStatus } from "@openagents/spacetime";

/** On one line, for who looks into a failure. */
export function describeStatus({ connection, streams }: SyncStatus): string {
  return JSON.stringify([connection, ...streams], (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}
