import { formatMsats, formatSatsNumber, satsUnit } from "../format-sats.ts";

/** An amount in sats; its exact value in msats on hover. */
export function Amount({ msats }: { readonly msats: bigint }) {
  return (
    <span className="oa-amount" title={formatMsats(msats)}>
      {formatSatsNumber(msats)}
      <span className="oa-unit">{satsUnit(msats)}</span>
    </span>
  );
}
