// What the reducers decide, without a database: as small as it is, it is what a
// server in another language has to do alike. Texts of refusals begin with their code.

export const AUDIENCE = "openagents-sync";

/** Of one token, at most so many streams by name. */
const GRANTS_MAX = 64;

export type Claims = {
  readonly audience: readonly string[];
  readonly fullPayload: Readonly<Record<string, unknown>>;
};

/** The streams that a token names, or why it may not connect. */
export function grantsOf(claims: Claims | null): readonly string[] | { readonly refused: string } {
  if (claims === null) return { refused: "token_missing A sync token is needed." };
  if (!claims.audience.includes(AUDIENCE))
    return { refused: `token_invalid The token is not for ${AUDIENCE}.` };
  const { scopes, streams } = claims.fullPayload;
  if (!Array.isArray(scopes) || !scopes.includes("sync.subscribe"))
    return { refused: "missing_scope The token lacks sync.subscribe." };
  if (!Array.isArray(streams) || streams.length > GRANTS_MAX)
    return { refused: "token_invalid The token's streams are missing or too many." };
  return [...new Set(streams.filter((stream) => typeof stream === "string"))];
}

export type Append = {
  readonly stream_id: string;
  readonly idempotency_key: string;
  readonly payload_hash: string;
  readonly expected_next_seq: bigint;
};

export type AppendDecision =
  | { readonly kind: "append"; readonly seq: bigint }
  /** It is there already. */
  | { readonly kind: "known" }
  | { readonly kind: "refused"; readonly detail: string };

/** `headSeq` is 0 before the first event; `known` is what the key stands for already. */
export function decideAppend(
  event: Append,
  known: { readonly stream_id: string; readonly payload_hash: string } | undefined,
  headSeq: bigint,
): AppendDecision {
  for (const field of ["stream_id", "idempotency_key", "payload_hash"] as const)
    if (event[field].trim() === "") return { kind: "refused", detail: `${field} is required` };
  if (known !== undefined) {
    return known.stream_id === event.stream_id && known.payload_hash === event.payload_hash
      ? { kind: "known" }
      : { kind: "refused", detail: "idempotency_key_reused The key stands for another event." };
  }
  const next = headSeq + 1n;
  if (event.expected_next_seq !== 0n && event.expected_next_seq !== next) {
    const detail = `sequence_conflict expected_next_seq=${event.expected_next_seq} actual_next_seq=${next}`;
    return { kind: "refused", detail };
  }
  return { kind: "append", seq: next };
}

export const CHALLENGE_LIVES_MS = 300_000n;

const DOMAIN = "openagents:nostr-presence-bind:v1";

export function challengeFor(identityHex: string, nowMs: bigint): string {
  return `${DOMAIN}:${identityHex}:${nowMs}`;
}

/** What a Nostr key signs, before it is hashed. */
export function challengeMessage(identityHex: string, challenge: string): string {
  return `${DOMAIN}:${identityHex}:${challenge}`;
}

export type Claim = {
  readonly challenge: string;
  readonly expires_at_unix_ms: bigint;
  readonly consumed: boolean;
};

/** Why a binding is refused before its signature is looked at; undefined when it is not. */
export function whyNotBound(claim: Claim | null, challenge: string, nowMs: bigint): string | undefined {
  if (claim === null) return "nostr claim challenge missing";
  if (claim.consumed) return "nostr claim challenge already consumed";
  if (nowMs > claim.expires_at_unix_ms) return "nostr claim challenge expired";
  if (challenge.trim() === "" || challenge.trim() !== claim.challenge)
    return "nostr claim challenge mismatch";
  return undefined;
}
