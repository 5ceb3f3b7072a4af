/** Msats of an amount of sats as people write it, such as `1,000` or `0.5`; undefined when it is none. */
export function parseSats(text: string): bigint | undefined {
  const parts = /^(\d{1,15})(?:\.(\d{1,3}))?$/.exec(text.replaceAll(/[,\s_]/g, ""));
  if (parts === null) return undefined;
  const [, whole = "0", part = ""] = parts;
  return BigInt(whole) * 1_000n + BigInt(part.padEnd(3, "0"));
}
