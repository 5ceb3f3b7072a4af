// Who is connected to this server, and under which Nostr key they have shown to
// be. Kept in memory only: it ends with the last session of an identity.

import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { encodeBsatn } from "../bsatn/index.ts";
import {
  TABLES,
  identityOfHex,
  type ActiveConnectionRow,
  type NostrPresenceClaimRow,
} from "../protocol/index.ts";
import { npubOf } from "./npub.ts";
import { ReducerRefusal } from "./reducer-refusal.ts";

const DOMAIN = "openagents:nostr-presence-bind:v1";

const CHALLENGE_LIFE_MS = 300_000n;

export type PresenceTable = "active_connection" | "nostr_presence_claim";

type Present = {
  sessions: number;
  connection: ActiveConnectionRow;
  claim: NostrPresenceClaimRow | undefined;
};

export type PresenceBinding = {
  readonly nostr_pubkey_hex: string;
  readonly nostr_pubkey_npub: string;
  readonly challenge: string;
  readonly challenge_signature_hex: string;
};

export class Presence {
  private readonly nowMs: () => number;
  private readonly onChange: (identityHex: string, table: PresenceTable) => void;
  private readonly present = new Map<string, Present>();

  constructor(nowMs: () => number, onChange: (identityHex: string, table: PresenceTable) => void) {
    this.nowMs = nowMs;
    this.onChange = onChange;
  }

  connected(identityHex: string): void {
    const known = this.present.get(identityHex);
    if (known !== undefined) {
      known.sessions += 1;
      return this.heartbeat(identityHex);
    }
    const now = this.now();
    const connection: ActiveConnectionRow = {
      identity: identityOfHex(identityHex),
      identity_hex: identityHex,
      connected_at_unix_ms: now,
      last_seen_unix_ms: now,
      nostr_pubkey_hex: undefined,
      nostr_pubkey_npub: undefined,
      nostr_challenge_proof_sig: undefined,
      nostr_challenge_bound_at_unix_ms: undefined,
    };
    this.present.set(identityHex, { sessions: 1, connection, claim: undefined });
  }

  disconnected(identityHex: string): void {
    const known = this.present.get(identityHex);
    if (known === undefined) return;
    known.sessions -= 1;
    if (known.sessions === 0) this.present.delete(identityHex);
  }

  heartbeat(identityHex: string): void {
    const known = this.present.get(identityHex);
    if (known === undefined) return;
    known.connection = { ...known.connection, last_seen_unix_ms: this.now() };
    this.onChange(identityHex, "active_connection");
  }

  /** A new challenge takes the place of an older one. */
  requestChallenge(identityHex: string): void {
    const known = this.present.get(identityHex);
    if (known === undefined) throw new ReducerRefusal("identity is not connected");
    const now = this.now();
    known.claim = {
      identity: identityOfHex(identityHex),
      challenge: `${DOMAIN}:${identityHex}:${now}`,
      issued_at_unix_ms: now,
      expires_at_unix_ms: now + CHALLENGE_LIFE_MS,
      consumed: false,
    };
    this.onChange(identityHex, "nostr_presence_claim");
  }

  /** Checks in this order: connected, claim, not consumed, not expired, the same challenge, key, npub, signature. */
  bind(identityHex: string, binding: PresenceBinding): void {
    const known = this.present.get(identityHex);
    if (known === undefined) throw new ReducerRefusal("active connection missing");
    const { claim } = known;
    const now = this.now();
    if (claim === undefined) throw new ReducerRefusal("nostr claim challenge missing");
    if (claim.consumed) throw new ReducerRefusal("nostr claim challenge already consumed");
    if (now > claim.expires_at_unix_ms) throw new ReducerRefusal("nostr claim challenge expired");
    if (binding.challenge.trim() !== claim.challenge)
      throw new ReducerRefusal("nostr claim challenge mismatch");
    const publicKey = binding.nostr_pubkey_hex.trim();
    const signature = binding.challenge_signature_hex.trim();
    verifyBinding(identityHex, claim.challenge, publicKey, binding.nostr_pubkey_npub.trim(), signature);
    known.claim = { ...claim, consumed: true };
    known.connection = {
      ...known.connection,
      last_seen_unix_ms: now,
      nostr_pubkey_hex: publicKey,
      nostr_pubkey_npub: npubOf(publicKey),
      nostr_challenge_proof_sig: signature,
      nostr_challenge_bound_at_unix_ms: now,
    };
    this.onChange(identityHex, "nostr_presence_claim");
    this.onChange(identityHex, "active_connection");
  }

  /** The identity's row of a table, if it has one. */
  row(identityHex: string, table: PresenceTable): Uint8Array | undefined {
    const known = this.present.get(identityHex);
    if (known === undefined) return undefined;
    if (table === "active_connection") return encodeBsatn(TABLES.active_connection.row, known.connection);
    return known.claim === undefined ? undefined : encodeBsatn(TABLES.nostr_presence_claim.row, known.claim);
  }

  private now(): bigint {
    return BigInt(Math.trunc(this.nowMs()));
  }
}

function verifyBinding(
  identityHex: string,
  challenge: string,
  publicKey: string,
  npub: string,
  signature: string,
): void {
  if (publicKey === "") throw new ReducerRefusal("nostr_pubkey_hex is required");
  if (signature === "") throw new ReducerRefusal("challenge_signature_hex is required");
  if (!/^[0-9a-f]{64}$/.test(publicKey)) throw new ReducerRefusal("invalid nostr pubkey: not 64 hex digits");
  if (npub !== npubOf(publicKey)) {
    throw new ReducerRefusal("invalid nostr npub: it does not encode nostr_pubkey_hex");
  }
  if (!/^[0-9a-f]{128}$/.test(signature))
    throw new ReducerRefusal("invalid signature hex: not 128 hex digits");
  const digest = sha256(utf8ToBytes(`${DOMAIN}:${identityHex}:${challenge}`));
  if (!schnorr.verify(hexToBytes(signature), digest, hexToBytes(publicKey))) {
    throw new ReducerRefusal("nostr challenge signature verification failed: it was not made by this key");
  }
}
