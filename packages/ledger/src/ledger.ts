// The ledger's nouns: accounts, transfers, and why a transfer is refused.

export type NewAccount = {
  readonly id: string;
  readonly unit: string;
  readonly owner: string;
  readonly kind: string;
  /** The least available balance that transfers may leave; null for accounts of the outside, which have none. */
  readonly floor: bigint | null;
};

/** All amounts are in the account's unit. An account is credit-normal: credits are what its owner can claim. */
export type Account = NewAccount & {
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
};

/**
 * `posted` moves at once; `pending` sets aside; `post` moves a pending one in
 * part or whole and releases the rest; `void` and `expire` release it all.
 */
export type TransferKind = "posted" | "pending" | "post" | "void" | "expire";

export type TransferRequest = {
  /** The caller's own, 1 to 200 characters; the same id with the same fields has one effect. */
  readonly id: string;
  readonly kind: TransferKind;
  readonly debitAccount: string;
  readonly creditAccount: string;
  /** For post: the part that moves. For void and expire: what was pending. */
  readonly amount: bigint;
  readonly unit: string;
  /** For post, void and expire: the pending transfer. */
  readonly pendingId?: string;
  /** For pending: when `expire` may release it. */
  readonly expiresAtMs?: number;
  /** Succeeds or fails together with the next request. */
  readonly linked?: boolean;
};

export type Transfer = Omit<TransferRequest, "linked">;

/** In order of precedence: a request that fails several checks reports the first. */
export type TransferRefusal =
  /** The last request says `linked`, but there is no next. */
  | "linked_open"
  /** `pendingId` or `expiresAtMs` on a kind that has none, or an id or time out of bounds. */
  | "fields_invalid"
  | "id_reused"
  | "amount_invalid"
  | "same_account"
  | "account_missing"
  | "unit_mismatch"
  | "pending_missing"
  | "pending_mismatch"
  | "pending_resolved"
  | "pending_not_expired"
  | "amount_over_pending"
  | "insufficient_funds"
  | "overflow"
  | "linked_failed";

export type TransferResult =
  | { readonly kind: "created" }
  /** The same transfer was made before; nothing happens now. */
  | { readonly kind: "exists" }
  | { readonly kind: "refused"; readonly reason: TransferRefusal };

/** What an account can still pay: posted credits less posted and pending debits. */
export function available(account: Account): bigint {
  return account.creditsPosted - account.debitsPosted - account.debitsPending;
}
