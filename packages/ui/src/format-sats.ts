/** An amount for people: whole sats with separators, and the part of a sat where there is one. */
export function formatSats(msats: bigint): string {
  return `${formatSatsNumber(msats)} ${satsUnit(msats)}`;
}

/** The same amount without its unit, for columns that say it once. */
export function formatSatsNumber(msats: bigint): string {
  const sign = msats < 0n ? "−" : "";
  const size = msats < 0n ? -msats : msats;
  const rest = size % 1_000n;
  const whole = (size / 1_000n).toLocaleString("en");
  const part = rest === 0n ? "" : `.${rest.toString().padStart(3, "0").replace(/0+$/, "")}`;
  return `${sign}${whole}${part}`;
}

export function satsUnit(msats: bigint): "sat" | "sats" {
  return msats === 1_000n || msats === -1_000n ? "sat" : "sats";
}

/** The exact amount, for whoever looks closer. */
export function formatMsats(msats: bigint): string {
  return `${msats.toLocaleString("en").replace("-", "−")} msats`;
}
