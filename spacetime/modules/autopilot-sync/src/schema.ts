// The five tables of the sync lane, and the two that say who may do what. Names
// are those of the wire.

import { schema, table, t } from "spacetimedb/server";

const activeConnection = table(
  { name: "active_connection", public: true },
  {
    identity: t.identity().primaryKey(),
    identity_hex: t.string(),
    connected_at_unix_ms: t.u64(),
    last_seen_unix_ms: t.u64(),
    nostr_pubkey_hex: t.option(t.string()),
    nostr_pubkey_npub: t.option(t.string()),
    nostr_challenge_proof_sig: t.option(t.string()),
    nostr_challenge_bound_at_unix_ms: t.option(t.u64()),
  },
);

const nostrPresenceClaim = table(
  { name: "nostr_presence_claim", public: true },
  {
    identity: t.identity().primaryKey(),
    challenge: t.string(),
    issued_at_unix_ms: t.u64(),
    expires_at_unix_ms: t.u64(),
    consumed: t.bool(),
  },
);

const streamHead = table(
  { name: "stream_head", public: true },
  { stream_id: t.string().primaryKey(), head_seq: t.u64(), updated_at_unix_ms: t.u64() },
);

const syncEvent = table(
  {
    name: "sync_event",
    public: true,
    indexes: [
      {
        accessor: "by_stream",
        name: "sync_event_by_stream",
        algorithm: "btree",
        columns: ["stream_id", "seq"],
      },
    ],
  },
  {
    idempotency_key: t.string().primaryKey(),
    stream_id: t.string(),
    seq: t.u64(),
    payload_hash: t.string(),
    payload_json: t.string(),
    committed_at_unix_ms: t.u64(),
    durable_offset: t.u64(),
    confirmed_read: t.bool(),
  },
);

const streamCheckpoint = table(
  { name: "stream_checkpoint", public: true },
  {
    checkpoint_key: t.string().primaryKey(),
    client_id: t.string(),
    stream_id: t.string(),
    last_applied_seq: t.u64(),
    durable_offset: t.u64(),
    updated_at_unix_ms: t.u64(),
  },
);

/** Who may append: one row, written when the module is published. */
const publisher = table({ name: "publisher" }, { identity: t.identity().primaryKey() });

/** Which streams a connected client's token names. */
const streamGrant = table(
  {
    name: "stream_grant",
    indexes: [
      {
        accessor: "by_identity",
        name: "stream_grant_by_identity",
        algorithm: "btree",
        columns: ["identity"],
      },
      { accessor: "by_stream", name: "stream_grant_by_stream", algorithm: "btree", columns: ["stream_id"] },
    ],
  },
  { grant_key: t.string().primaryKey(), identity: t.identity(), stream_id: t.string() },
);

export const sync = schema({
  active_connection: activeConnection,
  nostr_presence_claim: nostrPresenceClaim,
  stream_head: streamHead,
  sync_event: syncEvent,
  stream_checkpoint: streamCheckpoint,
  publisher,
  stream_grant: streamGrant,
});
