import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";
import { createAuthenticator, type Authenticator } from "./index.ts";

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

function authenticator(nowMs: () => number = () => NOW): Authenticator {
  return createAuthenticator({ jwks: { keys: [jwk] }, issuer: "openagents", audience: "openagents", nowMs });
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
