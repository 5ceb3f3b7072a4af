import { formatAbsolute, formatRelative } from "../format-time.ts";
import { useNow } from "./clock.ts";

/** A time as its distance from now; the time itself on hover. */
export function Time({ atMs }: { readonly atMs: number }) {
  const nowMs = Math.max(useNow(), atMs > Date.now() ? 0 : atMs);
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatAbsolute(atMs)}>
      {formatRelative(atMs, nowMs)}
    </time>
  );
}
