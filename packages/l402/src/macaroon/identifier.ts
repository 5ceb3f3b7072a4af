// What an L402 macaroon is for (bLIP 26, and the layout that Aperture writes):
// two bytes of version, the payment hash of its invoice, and an id of its own.

import { L402Error } from "../l402-error.ts";

export type Identifier = {
  /** 64 hex digits. */
  readonly paymentHash: string;
  /** 64 hex digits; names the root key. */
  readonly tokenId: string;
};

const VERSION = 0;
const BYTES = 66;

export function formatIdentifier({ paymentHash, tokenId }: Identifier): Uint8Array {
  if (!isHash(paymentHash) || !isHash(tokenId))
    throw new L402Error("identifier_malformed", "payment hash and token id are 64 hex digits each");
  return Buffer.concat([Buffer.from([0, VERSION]), Buffer.from(paymentHash + tokenId, "hex")]);
}

export function parseIdentifier(bytes: Uint8Array): Identifier {
  const buffer = Buffer.from(bytes);
  if (buffer.length < 2) throw new L402Error("identifier_malformed", "the identifier has no version");
  const version = buffer.readUInt16BE(0);
  if (version !== VERSION)
    throw new L402Error(
      "identifier_version",
      `the identifier is of version ${version}, which we do not know`,
    );
  if (buffer.length !== BYTES)
    throw new L402Error("identifier_malformed", `an identifier has ${BYTES} bytes, not ${buffer.length}`);
  return { paymentHash: buffer.toString("hex", 2, 34), tokenId: buffer.toString("hex", 34) };
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
