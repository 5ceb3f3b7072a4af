// Narrowing a macaroon (the credential that lnd takes): whoever holds one can add
// conditions to it, and nobody can take them away.
//
// Binary format v2: version, [location], identifier, end of section; for each
// condition [location], identifier, [key], end of section; end of section; signature.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const VERSION = 2;
const END_OF_SECTION = 0;
const IDENTIFIER = 2;
const SIGNATURE = 6;
const SIGNATURE_BYTES = 32;

/** Binary tail of every v2 macaroon: end of the conditions, then the signature. */
const TAIL_BYTES = 3 + SIGNATURE_BYTES;

/** The macaroon with one more condition, at most 127 bytes of it. Throws RangeError when it is no v2 macaroon. */
export function attenuate(macaroon: Uint8Array, condition: string): Uint8Array {
  const bytes = utf8ToBytes(condition);
  if (bytes.length > 127) throw new RangeError("a condition of a macaroon has at most 127 bytes");
  const tail = macaroon.subarray(-TAIL_BYTES);
  const isV2 =
    macaroon[0] === VERSION &&
    macaroon.length > TAIL_BYTES &&
    tail[0] === END_OF_SECTION &&
    tail[1] === SIGNATURE &&
    tail[2] === SIGNATURE_BYTES;
  if (!isV2) throw new RangeError("this is no macaroon in the binary format v2");
  return concatBytes(
    macaroon.subarray(0, -TAIL_BYTES),
    Uint8Array.of(IDENTIFIER, bytes.length),
    bytes,
    Uint8Array.of(END_OF_SECTION, END_OF_SECTION, SIGNATURE, SIGNATURE_BYTES),
    hmac(sha256, tail.subarray(3), bytes),
  );
}
