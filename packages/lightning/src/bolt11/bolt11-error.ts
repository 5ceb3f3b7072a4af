/** Which rule a text or an invoice breaks. The first one that fails is reported, in this order. */
export type Bolt11Rule =
  // Bech32 (BIP 173), without its limit of 90 characters.
  | "length_limit"
  | "bech32_case"
  | "bech32_separator"
  | "bech32_character"
  | "bech32_checksum"
  // The human-readable part.
  | "prefix_unknown"
  | "network_mismatch"
  | "amount_malformed"
  | "amount_multiplier"
  | "amount_precision"
  | "amount_range"
  // The data part.
  | "too_short"
  | "timestamp_range"
  | "field_truncated"
  | "field_padding"
  | "field_range"
  | "field_repeated"
  | "description_encoding"
  | "node_id_malformed"
  | "fallback_malformed"
  | "route_hint_malformed"
  | "feature_unknown"
  | "feature_dependency"
  | "payment_hash_missing"
  | "payment_secret_missing"
  | "payment_secret_unannounced"
  | "description_missing"
  | "description_ambiguous"
  // The signature.
  | "signature_not_recoverable"
  | "signature_high_s"
  | "signature_mismatch";

/** An invoice that must not be paid, or that cannot be written. `rule` says why; nothing was repaired. */
export class Bolt11Error extends Error {
  readonly rule: Bolt11Rule;

  constructor(rule: Bolt11Rule, problem: string) {
    super(problem);
    this.name = "Bolt11Error";
    this.rule = rule;
  }
}
