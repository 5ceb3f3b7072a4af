// What a buyer shows: `Authorization: L402 <macaroon>:<preimage>` (bLIP 26).

import { createHash } from "node:crypto";
import { L402Error } from "../l402-error.ts";
import { parseMacaroon } from "../macaroon/binary.ts";
import { isPathInside, readCaveats, type Grant } from "../macaroon/caveats.ts";
import { parseIdentifier, type Identifier } from "../macaroon/identifier.ts";
import { verifySignature, type Macaroon } from "../macaroon/macaroon.ts";
import type { Challenge } from "./challenge.ts";

export type Credential = Identifier & {
  readonly macaroon: Macaroon;
  /** 64 hex digits. A secret: whoever has it has what was bought. */
  readonly preimage: string;
};

export function formatCredential(
  { scheme, macaroon }: Pick<Challenge, "scheme" | "macaroon">,
  preimage: string,
): string {
  if (!/^[0-9a-f]{64}$/.test(preimage))
    throw new L402Error("credential_malformed", "a preimage is 64 hex digits");
  return `${scheme} ${macaroon}:${preimage}`;
}

/**
 * Read a credential. Undefined when the header is of another scheme: the caller
 * then has not paid. Throws L402Error with the rule it breaks; the preimage has
 * been checked against the payment hash, the signature not yet.
 */
export function parseCredential(authorization: string): Credential | undefined {
  const [, scheme, rest] = /^([A-Za-z0-9]+) +(.*)$/s.exec(authorization.trim()) ?? [];
  if (scheme === undefined || rest === undefined || !/^(?:l402|lsat)$/i.test(scheme)) return undefined;
  const [, token, preimage] = /^([A-Za-z0-9+/_-]+={0,2}):([0-9a-fA-F]{64})$/.exec(rest) ?? [];
  if (token === undefined || preimage === undefined)
    throw new L402Error(
      "credential_malformed",
      "a credential is one macaroon in base64, a colon, and a preimage in hex",
    );
  const macaroon = parseMacaroon(Buffer.from(token, "base64"));
  const identifier = parseIdentifier(macaroon.identifier);
  if (!isPreimageOf(preimage, identifier.paymentHash))
    throw new L402Error("preimage_mismatch", "the preimage is not that of the macaroon's payment");
  return { ...identifier, macaroon, preimage: preimage.toLowerCase() };
}

/** Whether SHA-256 of the preimage is the payment hash (BOLT 11). Both in hex. */
export function isPreimageOf(preimage: string, paymentHash: string): boolean {
  const bytes = Buffer.from(preimage, "hex");
  if (bytes.length !== 32) return false;
  return createHash("sha256").update(bytes).digest("hex") === paymentHash;
}

/**
 * Check a credential against the root key of its token id and say what it grants.
 * Counting the quota is the caller's: it needs a store. `path` must be the one that
 * the upstream will see, with its dots and escapes resolved. Throws L402Error.
 */
export function verifyCredential(
  credential: Credential,
  rootKey: Uint8Array,
  request: {
    readonly service: string;
    readonly path: string;
    readonly capability?: string;
    readonly nowSeconds: number;
  },
): Grant {
  const grant = readCaveats(verifySignature(credential.macaroon, rootKey), request.service);
  const { validUntilSeconds, path, capabilities } = grant;
  if (validUntilSeconds !== undefined && request.nowSeconds >= validUntilSeconds)
    throw new L402Error(
      "expired",
      `the credential was good until ${new Date(validUntilSeconds * 1_000).toISOString()}`,
    );
  if (path !== undefined && !isPathInside(request.path, path))
    throw new L402Error("path_outside", `the credential is good for ${path} and what is below it`);
  const { capability } = request;
  if (capability !== undefined && capabilities.length > 0 && !capabilities.includes(capability))
    throw new L402Error("capability_missing", `the credential does not allow ${capability}`);
  return grant;
}
