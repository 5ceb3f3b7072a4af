// Macaroons with first-party caveats: a chain of HMACs that anybody may lengthen
// and only the holder of the root key can check (Birgisson et al., 2014).

import { createHmac, timingSafeEqual } from "node:crypto";
import { L402Error } from "../l402-error.ts";

export type Macaroon = {
  /** A hint for whoever reads it; it is not signed. */
  readonly location: string | undefined;
  readonly identifier: Uint8Array;
  readonly caveats: readonly Caveat[];
  /** 32 bytes. */
  readonly signature: Uint8Array;
};

export type Caveat = {
  readonly identifier: Uint8Array;
  /** Of a third-party caveat: what only the holder of its key can open. We mint none and accept none. */
  readonly verificationId?: Uint8Array;
};

/** The libraries of others derive the key in this way, so that a root key may have any length. */
const KEY_GENERATOR = "macaroons-key-generator";

export function mintMacaroon(
  rootKey: Uint8Array,
  terms: {
    readonly identifier: Uint8Array;
    readonly location?: string;
    readonly caveats?: readonly string[];
  },
): Macaroon {
  const minted: Macaroon = {
    location: terms.location,
    identifier: terms.identifier,
    caveats: [],
    signature: hmac(hmac(KEY_GENERATOR, rootKey), terms.identifier),
  };
  return (terms.caveats ?? []).reduce(attenuate, minted);
}

/** The same rights with one more restriction. Needs no key. */
export function attenuate(macaroon: Macaroon, caveat: string): Macaroon {
  const identifier = Buffer.from(caveat, "utf8");
  return {
    ...macaroon,
    caveats: [...macaroon.caveats, { identifier }],
    signature: hmac(macaroon.signature, identifier),
  };
}

/**
 * Check the chain and give the caveats, in their order. Throws L402Error with
 * `third_party_caveat`, `signature_mismatch`, or `caveat_malformed` for one that
 * is no text. Whether the caveats allow anything is not looked at.
 */
export function verifySignature(macaroon: Macaroon, rootKey: Uint8Array): readonly string[] {
  let signature = hmac(hmac(KEY_GENERATOR, rootKey), macaroon.identifier);
  for (const { identifier, verificationId } of macaroon.caveats) {
    if (verificationId !== undefined)
      throw new L402Error("third_party_caveat", "the macaroon has a caveat of a third party");
    signature = hmac(signature, identifier);
  }
  const { signature: given } = macaroon;
  if (given.length !== signature.length || !timingSafeEqual(given, signature))
    throw new L402Error("signature_mismatch", "the macaroon was not made with our key, or was changed since");
  return macaroon.caveats.map(({ identifier }) => textOf(identifier));
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new L402Error("caveat_malformed", "a caveat is not UTF-8");
  }
}

function hmac(key: string | Uint8Array, data: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(data).digest();
}
