import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";
import {
  assertFreshPerson,
  createAuthenticator,
  createRevocationSet,
  type Authenticator,
  type AuthenticatorOptions,
} from "./index.ts";

const NOW = 1_790_000_000_000;
const NOW_S = NOW / 1000;

let privateKey: CryptoKey;
let jwk: JWK;

before(async () => {
  const keys = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  privateKey = keys.privateKey;
  jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "EdDSA" };
});

test("a token of control becomes the principal that it names", async () => {
  const principal = await authenticator()(`Bearer ${await token({})}`);
  assert.equal(principal.id, "usr_a");
  assert.equal(principal.kind, "user");
  assert.equal(principal.org, "org_a");
  assert.equal(principal.zoneTenths, 5);
  assert.deepEqual([...principal.scopes], ["runs:read"]);
});

const refusals: [string, () => Promise<string | undefined>, string][] = [
  ["no header", async () => undefined, "token_missing"],
  ["another scheme", async () => "Basic abcdefghijklmnopqrstuvwxyz", "token_invalid"],
  ["garbage", async () => "Bearer abcdefghijklmnopqrstuvwxyz", "token_invalid"],
  ["a token of another issuer", async () => `Bearer ${await token({}, { issuer: "evil" })}`, "token_invalid"],
  [
    "a token for another audience",
    async () => `Bearer ${await token({}, { audience: "other" })}`,
    "token_invalid",
  ],
  ["an expired token", async () => `Bearer ${await token({}, { issuedAtS: NOW_S - 700 })}`, "token_expired"],
  ["a token that lives too long", async () => `Bearer ${await token({}, { lifeS: 601 })}`, "token_invalid"],
  ["an unknown kind of principal", async () => `Bearer ${await token({ sub: "root_a" })}`, "token_invalid"],
  ["a token without scopes", async () => `Bearer ${await token({ scopes: undefined })}`, "token_invalid"],
  ["a token with an invented zone", async () => `Bearer ${await token({ zone: "0.1" })}`, "token_invalid"],
  [
    "a token with a malformed account",
    async () => `Bearer ${await token({ account: "a" })}`,
    "token_invalid",
  ],
  ["a token without org", async () => `Bearer ${await token({ org: "" })}`, "token_invalid"],
];

for (const [what, header, code] of refusals) {
  test(`${what} is refused as ${code}`, async () => {
    await assert.rejects(authenticator()(await header()), is401(code));
  });
}

test("a token signed with another key is refused, also under a known kid", async () => {
  const stranger = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const forged = await token({}, { key: stranger.privateKey });
  await assert.rejects(authenticator()(`Bearer ${forged}`), is401("token_invalid"));
});

test("an unsigned token is refused", async () => {
  const [, payload] = (await token({})).split(".");
  const header = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
  await assert.rejects(authenticator()(`Bearer ${header}.${payload}.`), is401("token_invalid"));
});

test("a token seen before is refused once it has expired", async () => {
  let nowMs = NOW;
  const authenticate = authenticator(() => nowMs);
  const header = `Bearer ${await token({})}`;
  await authenticate(header);
  nowMs = NOW + 601_000;
  await assert.rejects(authenticate(header), is401("token_expired"));
});

function authenticator(
  nowMs: () => number = () => NOW,
  revocations?: AuthenticatorOptions["revocations"],
): Authenticator {
  const jwks = { keys: [jwk] };
  return createAuthenticator({ jwks, issuer: "openagents", audience: "openagents", nowMs, revocations });
}

type TokenOptions = {
  readonly issuer?: string;
  readonly audience?: string;
  readonly issuedAtS?: number;
  readonly lifeS?: number;
  readonly key?: CryptoKey;
};

function token(claims: Record<string, unknown>, options: TokenOptions = {}): Promise<string> {
  const { sub = "usr_a", ...rest } = { org: "org_a", scopes: ["runs:read"], zone: "0.5", ...claims };
  const issuedAtS = options.issuedAtS ?? NOW_S;
  return new SignJWT(rest)
    .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
    .setSubject(String(sub))
    .setIssuer(options.issuer ?? "openagents")
    .setAudience(options.audience ?? "openagents")
    .setIssuedAt(issuedAtS)
    .setExpirationTime(issuedAtS + (options.lifeS ?? 600))
    .setJti(crypto.randomUUID())
    .sign(options.key ?? privateKey);
}

function is401(code: string) {
  return (error: unknown) => error instanceof ProblemError && error.status === 401 && error.code === code;
}

test("a token that was taken back is refused at once, also one that was verified before", async () => {
  const revocations = createRevocationSet(() => NOW);
  revocations.heard();
  const authenticate = authenticator(() => NOW, revocations);
  const header = `Bearer ${await token({ sid: "ses_1" })}`;
  await authenticate(header, "command");
  revocations.take([{ by: "sid", value: "ses_1", revokedAtMs: NOW }]);
  await assert.rejects(authenticate(header, "read"), is401("token_revoked"));
});

test("while nothing is heard of revocations commands are refused with 503, and reads go on", async () => {
  let nowMs = NOW;
  const revocations = createRevocationSet(() => nowMs);
  const authenticate = authenticator(() => nowMs, revocations);
  const header = `Bearer ${await token({})}`;
  const unavailable = { status: 503, code: "revocations_unavailable" };
  await assert.rejects(authenticate(header, "command"), unavailable);
  await authenticate(header, "read");
  revocations.heard();
  await authenticate(header, "command");
  nowMs += 15_001;
  await assert.rejects(authenticate(header, "command"), unavailable);
  await authenticate(header, "read");
});

test("only a person who signed in just now may decide what needs one", async () => {
  const authTime = NOW_S - 60;
  const person = { auth_time: authTime, amr: ["otp"] };
  const decide = async (claims: Record<string, unknown>, nowMs = NOW) =>
    assertFreshPerson({ principal: await authenticator()(`Bearer ${await token(claims)}`) }, nowMs);
  await decide(person);
  const needsPerson = { status: 403, code: "person_required" };
  await assert.rejects(decide({ ...person, sub: "sa_key" }), needsPerson);
  await assert.rejects(decide({ ...person, sub: "dev_laptop" }), needsPerson);
  await assert.rejects(decide({ ...person, sub: "svc_control", act: "usr_a" }), needsPerson);
  await assert.rejects(decide({ ...person, act: "usr_b" }), needsPerson);
  const needsSignIn = { status: 403, code: "fresh_sign_in_required" };
  await assert.rejects(decide({}), needsSignIn);
  await assert.rejects(decide({ auth_time: authTime }), needsSignIn);
  await assert.rejects(decide({ ...person, amr: ["device"] }), needsSignIn);
  await assert.rejects(decide(person, NOW + 15 * 60_000), needsSignIn);
});

test("a time or methods of a sign-in that are malformed are refused, never guessed", async () => {
  for (const claims of [{ auth_time: "now" }, { auth_time: -1 }, { amr: "otp" }, { amr: [1] }]) {
    await assert.rejects(authenticator()(`Bearer ${await token(claims)}`), is401("token_invalid"));
  }
});

test("a token of right behind a revocation is good, in the same second too, and says no other second", async () => {
  const revocations = createRevocationSet(() => NOW);
  revocations.heard();
  revocations.take([{ by: "sub", value: "usr_a", revokedAtMs: NOW + 400 }]);
  const authenticate = authenticator(() => NOW, revocations);
  const send = async (issuedAtMs: number) => authenticate(`Bearer ${await token({ iat_ms: issuedAtMs })}`);
  await assert.rejects(send(NOW + 400), is401("token_revoked"));
  await send(NOW + 401);
  await assert.rejects(send(NOW + 1_000), is401("token_invalid"));
});
