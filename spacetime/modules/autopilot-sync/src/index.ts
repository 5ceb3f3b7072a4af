import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { SenderError, t } from "spacetimedb/server";
import {
  CHALLENGE_LIVES_MS,
  challengeFor,
  challengeMessage,
  decideAppend,
  grantsOf,
  whyNotBound,
} from "./rules.ts";
import { sync } from "./schema.ts";

/** What every reducer is called with. */
type Context = Parameters<Parameters<typeof sync.clientConnected>[1]>[0];

export default sync;

/** A client sees the events and heads of the streams that its token names, and its own rows. */
export const seesEvents = sync.clientVisibilityFilter.sql(
  "SELECT sync_event.* FROM stream_grant JOIN sync_event ON stream_grant.stream_id = sync_event.stream_id WHERE stream_grant.identity = :sender",
);
export const seesHeads = sync.clientVisibilityFilter.sql(
  "SELECT stream_head.* FROM stream_grant JOIN stream_head ON stream_grant.stream_id = stream_head.stream_id WHERE stream_grant.identity = :sender",
);
export const seesConnection = sync.clientVisibilityFilter.sql(
  "SELECT * FROM active_connection WHERE identity = :sender",
);
export const seesClaim = sync.clientVisibilityFilter.sql(
  "SELECT * FROM nostr_presence_claim WHERE identity = :sender",
);

export const init = sync.init((ctx) => {
  ctx.db.publisher.insert({ identity: ctx.sender });
});

export const client_connected = sync.clientConnected((ctx) => {
  if (isPublisher(ctx)) return;
  const grants = grantsOf(ctx.senderAuth.jwt);
  if ("refused" in grants) throw new SenderError(grants.refused);
  const identityHex = ctx.sender.toHexString();
  forgetGrants(ctx);
  for (const streamId of grants)
    ctx.db.stream_grant.insert({
      grant_key: `${identityHex}:${streamId}`,
      identity: ctx.sender,
      stream_id: streamId,
    });
  ctx.db.active_connection.identity.delete(ctx.sender);
  ctx.db.active_connection.insert({
    identity: ctx.sender,
    identity_hex: identityHex,
    connected_at_unix_ms: nowMs(ctx),
    last_seen_unix_ms: nowMs(ctx),
    nostr_pubkey_hex: undefined,
    nostr_pubkey_npub: undefined,
    nostr_challenge_proof_sig: undefined,
    nostr_challenge_bound_at_unix_ms: undefined,
  });
});

export const client_disconnected = sync.clientDisconnected((ctx) => {
  forgetGrants(ctx);
  ctx.db.active_connection.identity.delete(ctx.sender);
  ctx.db.nostr_presence_claim.identity.delete(ctx.sender);
});

export const heartbeat = sync.reducer((ctx) => {
  const row = ctx.db.active_connection.identity.find(ctx.sender);
  if (row !== null) ctx.db.active_connection.identity.update({ ...row, last_seen_unix_ms: nowMs(ctx) });
});

export const request_nostr_presence_challenge = sync.reducer((ctx) => {
  if (ctx.db.active_connection.identity.find(ctx.sender) === null)
    throw new SenderError("identity is not connected");
  const now = nowMs(ctx);
  ctx.db.nostr_presence_claim.identity.delete(ctx.sender);
  ctx.db.nostr_presence_claim.insert({
    identity: ctx.sender,
    challenge: challengeFor(ctx.sender.toHexString(), now),
    issued_at_unix_ms: now,
    expires_at_unix_ms: now + CHALLENGE_LIVES_MS,
    consumed: false,
  });
});

export const bind_nostr_presence_identity = sync.reducer(
  {
    nostr_pubkey_hex: t.string(),
    nostr_pubkey_npub: t.string(),
    challenge: t.string(),
    challenge_signature_hex: t.string(),
  },
  (ctx, given) => {
    const connection = ctx.db.active_connection.identity.find(ctx.sender);
    if (connection === null) throw new SenderError("active connection missing");
    const claim = ctx.db.nostr_presence_claim.identity.find(ctx.sender);
    const refused = whyNotBound(claim, given.challenge, nowMs(ctx));
    if (refused !== undefined || claim === null)
      throw new SenderError(refused ?? "nostr claim challenge missing");
    const message = challengeMessage(ctx.sender.toHexString(), claim.challenge);
    if (!isSignedBy(given.nostr_pubkey_hex.trim(), given.challenge_signature_hex.trim(), message))
      throw new SenderError("nostr challenge signature verification failed: the key did not sign it");
    ctx.db.active_connection.identity.update({
      ...connection,
      last_seen_unix_ms: nowMs(ctx),
      nostr_pubkey_hex: given.nostr_pubkey_hex.trim(),
      nostr_pubkey_npub: given.nostr_pubkey_npub,
      nostr_challenge_proof_sig: given.challenge_signature_hex.trim(),
      nostr_challenge_bound_at_unix_ms: nowMs(ctx),
    });
    ctx.db.nostr_presence_claim.identity.update({ ...claim, consumed: true });
  },
);

export const append_sync_event = sync.reducer(
  {
    stream_id: t.string(),
    idempotency_key: t.string(),
    payload_hash: t.string(),
    payload_json: t.string(),
    committed_at_unix_ms: t.u64(),
    durable_offset: t.u64(),
    confirmed_read: t.bool(),
    expected_next_seq: t.u64(),
  },
  (ctx, event) => {
    if (!isPublisher(ctx)) throw new SenderError("append_refused Only the publisher appends.");
    const head = ctx.db.stream_head.stream_id.find(event.stream_id);
    const known = ctx.db.sync_event.idempotency_key.find(event.idempotency_key) ?? undefined;
    const decision = decideAppend(event, known, head?.head_seq ?? 0n);
    if (decision.kind === "refused") throw new SenderError(decision.detail);
    if (decision.kind === "known") return;
    const { expected_next_seq: _, ...row } = event;
    ctx.db.sync_event.insert({ ...row, seq: decision.seq });
    const next = { stream_id: event.stream_id, head_seq: decision.seq, updated_at_unix_ms: nowMs(ctx) };
    if (head === null) ctx.db.stream_head.insert(next);
    else ctx.db.stream_head.stream_id.update(next);
  },
);

export const ack_stream_checkpoint = sync.reducer(
  { client_id: t.string(), stream_id: t.string(), last_applied_seq: t.u64(), durable_offset: t.u64() },
  (ctx, ack) => {
    if (ack.client_id.trim() === "" || ack.stream_id.trim() === "")
      throw new SenderError("client_id and stream_id are required");
    // A client answers for its own only: its id begins with the identity that its token gave it.
    if (!ack.client_id.startsWith(ctx.sender.toHexString()))
      throw new SenderError("forbidden_client The client id belongs to somebody else.");
    const row = {
      ...ack,
      checkpoint_key: `${ack.client_id}:${ack.stream_id}`,
      updated_at_unix_ms: nowMs(ctx),
    };
    const before = ctx.db.stream_checkpoint.checkpoint_key.find(row.checkpoint_key);
    if (before === null) ctx.db.stream_checkpoint.insert(row);
    else if (before.last_applied_seq < row.last_applied_seq)
      ctx.db.stream_checkpoint.checkpoint_key.update(row);
  },
);

function isPublisher(ctx: Context): boolean {
  return ctx.db.publisher.identity.find(ctx.sender) !== null;
}

function forgetGrants(ctx: Context): void {
  // All of them first: rows are not deleted while they are walked.
  const grants = Array.from(ctx.db.stream_grant.by_identity.filter(ctx.sender));
  for (const grant of grants) ctx.db.stream_grant.grant_key.delete(grant.grant_key);
}

function nowMs(ctx: Context): bigint {
  return ctx.timestamp.microsSinceUnixEpoch / 1000n;
}

function isSignedBy(publicKeyHex: string, signatureHex: string, message: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(publicKeyHex) || !/^[0-9a-f]{128}$/.test(signatureHex)) return false;
  return schnorr.verify(hexToBytes(signatureHex), sha256(utf8ToBytes(message)), hexToBytes(publicKeyHex));
}
