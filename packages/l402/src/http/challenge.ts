// The challenge of a 402 (bLIP 26): a macaroon and the invoice whose preimage completes it.

import { L402Error } from "../l402-error.ts";
import { parseMacaroon, serializeMacaroon } from "../macaroon/binary.ts";
import { parseIdentifier } from "../macaroon/identifier.ts";
import type { Macaroon } from "../macaroon/macaroon.ts";
import { parseAuthChallenges, type AuthChallenge } from "./auth-challenges.ts";

export type Challenge = {
  /** The scheme that the credential must answer with; LSAT is the name it had before. */
  readonly scheme: "L402" | "LSAT";
  /** Base64 as it was sent: it goes back unchanged, whether or not we can read it. */
  readonly macaroon: string;
  /** BOLT 11. */
  readonly invoice: string;
};

/** What a server sends: both names of the scheme, because old clients know only one of them. */
export function formatChallenge(macaroon: Macaroon, invoice: string): string {
  const token = Buffer.from(serializeMacaroon(macaroon)).toString("base64");
  const parameters = `macaroon="${token}", invoice="${invoice}"`;
  return `LSAT ${parameters}, L402 ${parameters}`;
}

/**
 * The L402 challenges of a response, best first: those by today's name before
 * those by the old one. `headers` are the values of each WWW-Authenticate.
 * Throws L402Error: `challenge_missing` when none is there, `challenge_incomplete`
 * when one is, without a macaroon or an invoice.
 */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  const sent = headers.flatMap(parseAuthChallenges).filter(({ scheme }) => scheme in SCHEMES);
  if (sent.length === 0) throw new L402Error("challenge_missing", "the 402 asks for no payment by L402");
  const whole = sent.map(challengeOf).filter((challenge) => challenge !== undefined);
  if (whole.length === 0)
    throw new L402Error("challenge_incomplete", "the challenge lacks a macaroon or an invoice");
  return whole.toSorted((left, right) => left.scheme.localeCompare(right.scheme));
}

/**
 * The payment hash that the macaroon of a challenge is bound to, where it can be
 * read; servers may write macaroons of another form, so undefined is no fault.
 */
export function boundPaymentHash({ macaroon }: Challenge): string | undefined {
  try {
    return parseIdentifier(parseMacaroon(Buffer.from(macaroon, "base64")).identifier).paymentHash;
  } catch (error) {
    if (error instanceof L402Error) return undefined;
    throw error;
  }
}

const SCHEMES: Readonly<Record<string, Challenge["scheme"]>> = { l402: "L402", lsat: "LSAT" };

function challengeOf({ scheme, parameters }: AuthChallenge): Challenge | undefined {
  const name = SCHEMES[scheme];
  // Later drafts call the macaroon a token.
  const macaroon = parameters.get("macaroon") ?? parameters.get("token");
  const invoice = parameters.get("invoice");
  if (name === undefined || !isBase64(macaroon) || invoice === undefined || invoice === "") return undefined;
  return { scheme: name, macaroon, invoice };
}

/** What else it holds would end our own header when it is sent back. */
function isBase64(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text);
}
