export { L402Error, type L402Rule } from "./l402-error.ts";
export { MACAROON_BYTES_MAX, parseMacaroon, serializeMacaroon } from "./macaroon/binary.ts";
export { formatCaveats, isPathInside, type Grant } from "./macaroon/caveats.ts";
export { formatIdentifier, parseIdentifier, type Identifier } from "./macaroon/identifier.ts";
export { attenuate, mintMacaroon, verifySignature, type Caveat, type Macaroon } from "./macaroon/macaroon.ts";
export { CHALLENGE_LENGTH_MAX, parseAuthChallenges, type AuthChallenge } from "./http/auth-challenges.ts";
export { boundPaymentHash, formatChallenge, parseChallenges, type Challenge } from "./http/challenge.ts";
export {
  formatCredential,
  isPreimageOf,
  parseCredential,
  verifyCredential,
  type Credential,
} from "./http/credential.ts";
