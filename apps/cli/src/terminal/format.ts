// Amounts and durations as people read them.

/** `1 234 sat`; with the thousandths of a sat that are left over, as `1 234.567 sat`. */
export function formatSats(msats: bigint): string {
  const sign = msats < 0n ? "−" : "";
  const amount = msats < 0n ? -msats : msats;
  const whole = groupDigits(amount / 1000n);
  const rest = amount % 1000n;
  return rest === 0n ? `${sign}${whole} sat` : `${sign}${whole}.${rest.toString().padStart(3, "0")} sat`;
}

/** A text that tells amounts in msats, for a person, who reads sats. */
export function inSats(text: string): string {
  return text.replace(/\b(\d{1,16}) msats\b/g, (_, msats: string) => formatSats(BigInt(msats)));
}

/** `340 ms`, `1.2 s`, `2 min 05 s`, `3 h 07 min`, `2 d 04 h`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** `2026-11-24 02:13:05` UTC from epoch milliseconds. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

function groupDigits(amount: bigint): string {
  return amount.toString().replace(/\B(?=(\d{3})+$)/g, " ");
}

function two(value: number): string {
  return value.toString().padStart(2, "0");
}
