/** Which rule a challenge, a credential or a macaroon breaks. */
export type L402Rule =
  // What was sent cannot be read.
  | "header_malformed"
  | "credential_malformed"
  | "macaroon_malformed"
  | "macaroon_too_large"
  | "identifier_malformed"
  | "identifier_version"
  | "caveat_malformed"
  // It can be read, and is not right.
  | "preimage_mismatch"
  | "signature_mismatch"
  | "third_party_caveat"
  | "caveat_unknown"
  | "caveat_widened"
  | "service_mismatch"
  | "capability_missing"
  | "expired"
  | "path_outside"
  // Of a challenge.
  | "challenge_missing"
  | "challenge_incomplete";

/** A challenge that cannot be answered or a credential that is worth nothing. `rule` says why. */
export class L402Error extends Error {
  readonly rule: L402Rule;

  constructor(rule: L402Rule, problem: string) {
    super(problem);
    this.name = "L402Error";
    this.rule = rule;
  }
}
