// The module `autopilot-sync`: its tables and reducers, as data. Rows and
// arguments are encoded by these codecs, and the schema that clients are
// generated from derives from the same lines.

import { bool, option, product, string, u256, u64, type Codec, type Infer } from "../bsatn/index.ts";

export const MODULE_NAME = "autopilot-sync";

export const identity = product({ __identity__: u256 });

type Table<R> = {
  readonly name: string;
  readonly row: Codec<R>;
  /** Its column. */
  readonly primaryKey: string;
};

/** An event of a stream; `seq` is dense from 1. Its key is `stream_id:seq`. */
const syncEvent = product({
  idempotency_key: string,
  stream_id: string,
  seq: u64,
  payload_hash: string,
  payload_json: string,
  committed_at_unix_ms: u64,
  durable_offset: u64,
  confirmed_read: bool,
});

const streamHead = product({ stream_id: string, head_seq: u64, updated_at_unix_ms: u64 });

/** How far a client has applied a stream. Its key is `client_id:stream_id`. */
const streamCheckpoint = product({
  checkpoint_key: string,
  client_id: string,
  stream_id: string,
  last_applied_seq: u64,
  durable_offset: u64,
  updated_at_unix_ms: u64,
});

const activeConnection = product({
  identity,
  identity_hex: string,
  connected_at_unix_ms: u64,
  last_seen_unix_ms: u64,
  nostr_pubkey_hex: option(string),
  nostr_pubkey_npub: option(string),
  nostr_challenge_proof_sig: option(string),
  nostr_challenge_bound_at_unix_ms: option(u64),
});

const nostrPresenceClaim = product({
  identity,
  challenge: string,
  issued_at_unix_ms: u64,
  expires_at_unix_ms: u64,
  consumed: bool,
});

export type SyncEventRow = Infer<typeof syncEvent>;
export type StreamHeadRow = Infer<typeof streamHead>;
export type StreamCheckpointRow = Infer<typeof streamCheckpoint>;
export type ActiveConnectionRow = Infer<typeof activeConnection>;
export type NostrPresenceClaimRow = Infer<typeof nostrPresenceClaim>;

export const TABLES = {
  active_connection: table("active_connection", activeConnection, "identity"),
  nostr_presence_claim: table("nostr_presence_claim", nostrPresenceClaim, "identity"),
  stream_head: table("stream_head", streamHead, "stream_id"),
  sync_event: table("sync_event", syncEvent, "idempotency_key"),
  stream_checkpoint: table("stream_checkpoint", streamCheckpoint, "checkpoint_key"),
} as const;

export type TableName = keyof typeof TABLES;

type Lifecycle = "init" | "on_connect" | "on_disconnect";

type Reducer<A> = {
  readonly name: string;
  readonly args: Codec<A>;
  /** When the server itself calls it; absent: when a client does. */
  readonly lifecycle?: Lifecycle;
};

const none = product({});

export const REDUCERS = {
  init: reducer("init", none, "init"),
  client_connected: reducer("client_connected", none, "on_connect"),
  client_disconnected: reducer("client_disconnected", none, "on_disconnect"),
  heartbeat: reducer("heartbeat", none),
  request_nostr_presence_challenge: reducer("request_nostr_presence_challenge", none),
  bind_nostr_presence_identity: reducer(
    "bind_nostr_presence_identity",
    product({
      nostr_pubkey_hex: string,
      nostr_pubkey_npub: string,
      challenge: string,
      challenge_signature_hex: string,
    }),
  ),
  append_sync_event: reducer(
    "append_sync_event",
    product({
      stream_id: string,
      idempotency_key: string,
      payload_hash: string,
      payload_json: string,
      committed_at_unix_ms: u64,
      durable_offset: u64,
      confirmed_read: bool,
      expected_next_seq: u64,
    }),
  ),
  ack_stream_checkpoint: reducer(
    "ack_stream_checkpoint",
    product({ client_id: string, stream_id: string, last_applied_seq: u64, durable_offset: u64 }),
  ),
} as const;

export type ReducerName = keyof typeof REDUCERS;

/** Undefined for what is no reducer's name. */
export function parseReducerName(text: string): ReducerName | undefined {
  return Object.hasOwn(REDUCERS, text) ? (text as ReducerName) : undefined;
}

function table<R>(name: string, row: Codec<R>, primaryKey: string): Table<R> {
  return { name, row, primaryKey };
}

function reducer<A>(name: string, args: Codec<A>, lifecycle?: Lifecycle): Reducer<A> {
  return lifecycle === undefined ? { name, args } : { name, args, lifecycle };
}
