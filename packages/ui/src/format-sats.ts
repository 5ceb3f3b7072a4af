/** An amount for people: whole sats with separators, and the part of a sat where there is one. */
export function formatSats(msats: bigint): string {
  const sign = msats < 0n ? "−" : "";
  const size = msats < 0n ? -msats : msats;
  const rest = size % 1_000n;
  const whole = (size / 1_000n).toLocaleString("en");
  const part = rest === 0n ? "" : `.${rest.toString().padStart(3, "0").replace(/0+$/, "")}`;
  return `${sign}${whole}${part} sats`;
}
