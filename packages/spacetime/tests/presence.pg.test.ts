import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { schnorr } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import {
  REDUCERS,
  TABLES,
  decodeBsatn,
  encodeBsatn,
  formatQuery,
  identityHexOf,
  readRows,
  string,
} from "@openagents/spacetime";
import { ISSUER, startHarness } from "./harness.ts";
import type { RawClient } from "./raw-client.ts";
import { until } from "./until.ts";

// The key and its readable form of NIP-19's own example.
const PUBLIC_KEY = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
const NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";

const SECRET_KEY = "0".repeat(63) + "3";
const OWN_KEY = bytesToHex(schnorr.getPublicKey(hexToBytes(SECRET_KEY)));
const OWN_NPUB = "npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266";

const identityHex = identityHexOf(ISSUER, "usr_1");
const none = new Uint8Array();

test("a challenge that is signed by the key binds it to the connection, once and in time", async (t) => {
  let nowMs = Date.now();
  const sync = await startHarness(t, { nowMs: () => nowMs });
  const client = await sync.client();
  const bind = (args: Partial<Binding>) => refusalOf(client, { ...binding, ...args });
  const binding: Binding = {
    nostr_pubkey_hex: OWN_KEY,
    nostr_pubkey_npub: OWN_NPUB,
    challenge: "",
    challenge_signature_hex: "",
  };
  assert.match(await bind({}), /^nostr claim challenge missing/);

  const expired = await requestChallenge(client);
  nowMs += 299_000;
  await sync.current();
  // A session lives no longer than its token, so another one asks.
  const again = await sync.client();
  nowMs += 2_000;
  assert.match(await refusalOf(again, { ...binding, challenge: expired }), /expired$/);

  const challenge = await requestChallenge(again);
  const signature = sign(challenge);
  const call = (args: Partial<Binding>) =>
    refusalOf(again, { ...binding, challenge, challenge_signature_hex: signature, ...args });
  assert.match(await call({ challenge: expired }), /mismatch$/);
  assert.match(await call({ nostr_pubkey_hex: " " }), /^nostr_pubkey_hex is required/);
  assert.match(await call({ challenge_signature_hex: "" }), /^challenge_signature_hex is required/);
  assert.match(await call({ nostr_pubkey_hex: "zz" }), /^invalid nostr pubkey:/);
  assert.match(await call({ nostr_pubkey_npub: NPUB }), /^invalid nostr npub:/);
  assert.match(await call({ challenge_signature_hex: "00" }), /^invalid signature hex:/);
  assert.match(await call({ challenge_signature_hex: sign(`${challenge}0`) }), /verification failed:/);
  assert.match(
    await call({ nostr_pubkey_hex: PUBLIC_KEY, nostr_pubkey_npub: NPUB }),
    /verification failed:/,
    "the readable form of the standard's example is accepted, and its key made no such signature",
  );
  assert.equal(await call({}), "");
  assert.match(await call({}), /already consumed$/);
  const [row] = await connectionOf(again);
  assert.equal(row?.nostr_pubkey_hex, OWN_KEY);
  assert.equal(row?.nostr_challenge_proof_sig, signature);
});

test("presence begins with the first session of an identity and ends with its last", async (t) => {
  let nowMs = 1_700_000_000_000;
  const sync = await startHarness(t, { nowMs: () => nowMs });
  const first = await sync.client();
  const [one] = await connectionOf(first);
  nowMs += 10_000;
  await sync.current();
  const second = await sync.client();
  const [same] = await connectionOf(second);
  assert.equal(same?.connected_at_unix_ms, one?.connected_at_unix_ms);
  await first.call("heartbeat", none);
  assert.equal((await connectionOf(first))[0]?.last_seen_unix_ms, BigInt(nowMs));
  first.close();
  second.close();
  nowMs += 1_000;
  await until(async () => {
    const client = await sync.client();
    const [row] = await connectionOf(client);
    client.close();
    return row?.connected_at_unix_ms === BigInt(nowMs);
  });
});

test("what the server calls itself, and what there is not, a client cannot call", async (t) => {
  const sync = await startHarness(t);
  const client = await sync.client();
  for (const reducer of ["init", "client_connected", "client_disconnected", "no_such", "toString"]) {
    assert.equal((await client.call(reducer, none)).tag, "Err", reducer);
  }
  const result = await client.call("bind_nostr_presence_identity", Uint8Array.of(1, 2, 3));
  assert.ok(result.tag === "Err" && decodeBsatn(string, result.value).startsWith("invalid arguments:"));
});

type Binding = {
  readonly nostr_pubkey_hex: string;
  readonly nostr_pubkey_npub: string;
  readonly challenge: string;
  readonly challenge_signature_hex: string;
};

async function requestChallenge(client: RawClient): Promise<string> {
  await client.call("request_nostr_presence_challenge", none);
  const query = formatQuery({ table: "nostr_presence_claim", identityHex });
  const { tables } = await client.query(query);
  const [claim] = tables.flatMap(({ rows }) => readRows(TABLES.nostr_presence_claim.row, rows));
  assert.ok(claim !== undefined);
  return claim.challenge;
}

async function connectionOf(client: RawClient) {
  const { tables } = await client.query(formatQuery({ table: "active_connection", identityHex }));
  return tables.flatMap(({ rows }) => readRows(TABLES.active_connection.row, rows));
}

/** Empty where it is done. */
async function refusalOf(client: RawClient, binding: Binding): Promise<string> {
  const args = encodeBsatn(REDUCERS.bind_nostr_presence_identity.args, binding);
  const result = await client.call("bind_nostr_presence_identity", args);
  return result.tag === "Err" ? decodeBsatn(string, result.value) : "";
}

function sign(challenge: string): string {
  const text = `openagents:nostr-presence-bind:v1:${identityHex}:${challenge}`;
  const digest = createHash("sha256").update(text).digest();
  return bytesToHex(schnorr.sign(digest, hexToBytes(SECRET_KEY)));
}
