// The little that we read of a PSBT (BIP 174): which transaction it is to become.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { malformed } from "./fields.ts";

export type UnsignedTransaction = {
  /** As explorers write it. Fixed before signing, because inputs of our wallets are all segwit. */
  readonly txid: string;
  readonly outputSats: readonly bigint[];
};

const MAGIC = "70736274ff";
const UNSIGNED_TX = 0;

/** Reads a PSBT of version 0, which carries its unsigned transaction first. */
export function unsignedTransactionOf(psbt: Uint8Array): UnsignedTransaction {
  const cursor = new Cursor(psbt);
  if (bytesToHex(cursor.take(5)) !== MAGIC) throw malformed("funded_psbt");
  const key = cursor.take(cursor.size());
  if (key.length !== 1 || key[0] !== UNSIGNED_TX) throw malformed("funded_psbt");
  const transaction = cursor.take(cursor.size());
  return {
    txid: bytesToHex(sha256(sha256(transaction)).reverse()),
    outputSats: outputsOf(new Cursor(transaction)),
  };
}

function outputsOf(cursor: Cursor): bigint[] {
  cursor.take(4);
  for (let inputs = cursor.size(); inputs > 0; inputs--) {
    cursor.take(36);
    cursor.take(cursor.size());
    cursor.take(4);
  }
  return Array.from({ length: cursor.size() }, () => {
    const sats = cursor.little(8);
    cursor.take(cursor.size());
    return sats;
  });
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    const taken = this.#bytes.slice(this.#at, this.#at + length);
    if (taken.length !== length) throw malformed("funded_psbt");
    this.#at += length;
    return taken;
  }

  little(length: number): bigint {
    return this.take(length).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** Bitcoin's compact size. */
  size(): number {
    const first = Number(this.little(1));
    const size = first < 0xfd ? BigInt(first) : this.little(1 << (first - 0xfc));
    if (size > BigInt(this.#bytes.length)) throw malformed("funded_psbt");
    return Number(size);
  }
}
