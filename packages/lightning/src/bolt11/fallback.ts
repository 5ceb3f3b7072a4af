// On-chain addresses that an invoice offers for when Lightning fails.

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { bech32, bech32m, createBase58check } from "@scure/base";
import { Bolt11Error } from "./bolt11-error.ts";
import type { Network } from "./network.ts";
import { hexOf, wordsOf, wordsOfHex } from "./words.ts";

/** `version` 0 to 16 is a witness version, 17 a public key's hash, 18 a script's hash; `program` is hex. */
export type FallbackAddress = { readonly version: number; readonly program: string };

const PUBLIC_KEY_HASH = 17;
const SCRIPT_HASH = 18;

const base58check = createBase58check(sha256);
const ADDRESS_FORMS: Record<
  Network,
  { readonly hrp: string; readonly p2pkh: number; readonly p2sh: number }
> = {
  mainnet: { hrp: "bc", p2pkh: 0x00, p2sh: 0x05 },
  testnet: { hrp: "tb", p2pkh: 0x6f, p2sh: 0xc4 },
  signet: { hrp: "tb", p2pkh: 0x6f, p2sh: 0xc4 },
  regtest: { hrp: "bcrt", p2pkh: 0x6f, p2sh: 0xc4 },
  simnet: { hrp: "sb", p2pkh: 0x3f, p2sh: 0x7b },
};

/** `undefined` for a version that is not defined yet: such a field is skipped. */
export function fallbackOf(words: readonly number[]): FallbackAddress | undefined {
  const [version, ...program] = words;
  if (version === undefined) throw new Bolt11Error("fallback_malformed", "field f is empty");
  if (version > SCRIPT_HASH) return undefined;
  return checkFallback({ version, program: hexOf(program, "f") });
}

export function wordsOfFallback(fallback: FallbackAddress): number[] {
  const { version, program } = checkFallback(fallback);
  return [version, ...wordsOfHex(program)];
}

/** The address as one pays to it on the chain of that network. */
export function addressOf(network: Network, { version, program }: FallbackAddress): string {
  const form = ADDRESS_FORMS[network];
  const bytes = hexToBytes(program);
  if (version === PUBLIC_KEY_HASH) return base58check.encode(concatBytes(Uint8Array.of(form.p2pkh), bytes));
  if (version === SCRIPT_HASH) return base58check.encode(concatBytes(Uint8Array.of(form.p2sh), bytes));
  // BIP 350: version 0 keeps the old checksum, all later ones have the new one.
  return (version === 0 ? bech32 : bech32m).encode(form.hrp, [version, ...wordsOf(bytes)]);
}

function checkFallback(fallback: FallbackAddress): FallbackAddress {
  const { version, program } = fallback;
  const length = program.length / 2;
  const fits =
    version >= PUBLIC_KEY_HASH
      ? version <= SCRIPT_HASH && length === 20
      : version === 0
        ? length === 20 || length === 32
        : length >= 2 && length <= 40;
  if (fits && Number.isInteger(version) && version >= 0) return fallback;
  throw new Bolt11Error(
    "fallback_malformed",
    `a fallback of version ${version} cannot be ${length} bytes long`,
  );
}
