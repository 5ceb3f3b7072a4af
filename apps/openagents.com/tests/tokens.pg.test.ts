import assert from "node:assert/strict";
import { test } from "node:test";
import { contractsOf, scopesOf } from "@openagents/contracts";
import { connect, statement } from "@openagents/postgres";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { grant, signIn } from "./access.ts";
import { ISSUER, startHarness, type Harness } from "./harness.ts";
import { newPerson } from "./person.ts";

test("a person's token says who, since when, how, and what the role allows, and verifies by the published keys", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const jwks = await control.get("/api/auth/jwks", { token: "" });
  assert.ok(jwks.json.keys.every((key: object) => !("d" in key)));
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks.json), {
    issuer: ISSUER,
    audience: "openagents",
  });
  assert.equal(payload.sub, owner.userId);
  assert.deepEqual(payload["amr"], ["otp"]);
  assert.equal(payload["zone"], "1");
  const scopes = payload["scopes"] as string[];
  assert.ok(scopes.includes("orgs:write") && !scopes.includes("admin"));
  assert.equal((await control.get("/api/me", { token })).json.fresh, true);
});

test("a browser's cookie gives a token only with its CSRF token, and nothing that lasts", async (t) => {
  const control = await startHarness(t);
  const { person } = await signIn(control, "owner@example.org");
  const body = { grant_type: "session" };
  const without = await person.post("/api/auth/token", body, { csrf: "wrong" });
  assert.equal(without.status, 403);
  const answer = await person.post("/api/auth/token", body);
  assert.equal(answer.json.refresh_token, undefined);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal((await grant(control, body)).status, 401);
});

test("a token may say less than its holder may do, never more", async (t) => {
  const control = await startHarness(t);
  const { person } = await signIn(control, "owner@example.org");
  const ask = (scope: string) => person.post("/api/auth/token", { grant_type: "session", scope });
  assert.equal((await ask("me:read")).json.scope, "me:read");
  assert.equal((await ask("me:read admin")).json.code, "invalid_scope");
  const elsewhere = await person.post("/api/auth/token", { grant_type: "session", org: "org_other" });
  assert.equal(elsewhere.json.code, "invalid_grant");
});

test("who operates the installation is known by a verified address", async (t) => {
  const control = await startHarness(t, { config: { operators: ["boss@example.org"] } });
  const boss = await signIn(control, "boss@example.org");
  const scopes = decodeJwt(await boss.token())["scopes"] as string[];
  assert.ok(scopes.includes("admin"));
});

test("a refresh token is good once; its repeat by somebody else ends the session and its tokens", async (t) => {
  const control = await startHarness(t);
  const { refreshToken, accessToken, session } = await openSession(control, "owner@example.org");
  const first = await refresh(control, refreshToken);
  assert.equal(first.status, 200, first.text);
  const second = await refresh(control, first.json.refresh_token);
  assert.equal(second.status, 200, second.text);

  const replayed = await refresh(control, refreshToken);
  assert.equal(replayed.status, 401);
  for (const token of [accessToken, first.json.access_token, second.json.access_token])
    assert.equal((await control.get("/api/me", { token })).json.code, "token_revoked");
  assert.equal((await refresh(control, second.json.refresh_token)).status, 401);
  const again = await control.post("/api/auth/token", { grant_type: "session" }, { token: session });
  assert.equal(again.status, 401, "the session itself has ended too");
});

test("a client that lost the answer repeats with the same key and gets the same refresh token", async (t) => {
  const control = await startHarness(t);
  const { refreshToken } = await openSession(control, "owner@example.org");
  const key = { "idempotency-key": crypto.randomUUID() };
  const first = await refresh(control, refreshToken, key);
  const repeat = await refresh(control, refreshToken, key);
  assert.equal(repeat.status, 200);
  assert.equal(repeat.json.refresh_token, first.json.refresh_token);
  // Once the successor was used, the answer did arrive.
  assert.equal((await refresh(control, first.json.refresh_token)).status, 200);
  assert.equal((await refresh(control, refreshToken, key)).status, 401);
});

test("of two refreshes at once exactly one gets a successor, and the family ends", async (t) => {
  const control = await startHarness(t);
  const { refreshToken } = await openSession(control, "owner@example.org");
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(control, refreshToken)));
  const won = answers.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  assert.equal((await refresh(control, won[0]?.json.refresh_token)).status, 401);
});

test("an access token that has expired ends nothing", async (t) => {
  let nowMs = Date.now();
  const control = await startHarness(t, { nowMs: () => nowMs });
  const { refreshToken, accessToken } = await openSession(control, "owner@example.org");
  nowMs += 3_600_000;
  assert.equal((await control.get("/api/me", { token: accessToken })).json.code, "token_expired");
  const refreshed = await refresh(control, refreshToken);
  assert.equal(refreshed.status, 200, refreshed.text);
  const me = await control.get("/api/me", { token: refreshed.json.access_token });
  // The sign-in has aged meanwhile, and a refresh does not make it new.
  assert.equal(me.json.fresh, false);
});

test("a key of an organisation holds no more than its maker, and is shown once", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const key = crypto.randomUUID();
  const body = { name: "ci", scopes: ["runs:read", "me:read"] };
  const made = await control.post("/api/tokens", body, { token, key });
  assert.equal(made.status, 201, made.text);
  const secret = made.json.secret;
  assert.match(secret, /^oak_[0-9a-f]{8}_/);
  const replay = await control.post("/api/tokens", body, { token, key });
  assert.equal(replay.headers.get("idempotent-replayed"), "true");
  assert.equal(replay.json.secret, undefined);
  assert.deepEqual(replay.json.key, made.json.key);
  assert.ok(!(await databaseHolds(control, secret)), "the secret is nowhere in the database");

  for (const [scopes, reason] of [
    [["admin"], "scope_not_held"],
    [["runs:read", "tokens:write"], "scope_not_for_keys"],
  ] as const) {
    const refused = await control.post("/api/tokens", { name: "ci", scopes }, { token });
    assert.equal(`${refused.status} ${refused.json.reason}`, `403 ${reason}`);
  }

  const granted = await grant(control, { grant_type: "api_key", api_key: secret });
  assert.equal(granted.json.scope, "me:read runs:read");
  const claims = decodeJwt(granted.json.access_token);
  assert.equal(claims.sub, made.json.key.principal);
  assert.equal(claims["zone"], "1");
  const wrong = `${secret.slice(0, -1)}${secret.endsWith("A") ? "B" : "A"}`;
  assert.equal((await grant(control, { grant_type: "api_key", api_key: wrong })).status, 401);
});

test("revoking one key ends its tokens and leaves the account's other keys", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const make = async (account?: string) => {
    const body = { name: "ci", scopes: ["me:read"], ...(account ? { service_account_id: account } : {}) };
    return (await control.post("/api/tokens", body, { token })).json;
  };
  const one = await make();
  const two = await make(one.key.principal);
  assert.equal(two.key.principal, one.key.principal);
  const tokenOf = async ({ secret }: { readonly secret: string }) =>
    (await grant(control, { grant_type: "api_key", api_key: secret })).json.access_token;
  const [oneToken, twoToken] = [await tokenOf(one), await tokenOf(two)];

  const path = `/api/tokens/${one.key.key_id}`;
  assert.equal((await control.send("DELETE", path, undefined, { token })).status, 200);
  assert.equal((await control.get("/api/me", { token: oneToken })).json.code, "token_revoked");
  assert.equal(await tokenOf(one), undefined);
  assert.equal((await control.get("/api/me", { token: twoToken })).status, 200);
  assert.equal((await control.send("DELETE", path, undefined, { token })).json.reason, "key_revoked");

  const stranger = await (await signIn(control, "stranger@example.org")).token();
  const theirs = await control.send("DELETE", `/api/tokens/${two.key.key_id}`, undefined, {
    token: stranger,
  });
  assert.equal(theirs.status, 404);
  const account = { name: "x", scopes: ["me:read"], service_account_id: one.key.principal };
  assert.equal((await control.post("/api/tokens", account, { token: stranger })).status, 404);
});

test("a key opens the routes of its scopes and no other route", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const made = await control.post("/api/tokens", { name: "ci", scopes: ["devices:read"] }, { token });
  const key = await grant(control, { grant_type: "api_key", api_key: made.json.secret });
  const options = { token: key.json.access_token };
  assert.equal((await control.get("/api/devices", options)).status, 200);
  for (const path of ["/api/me", "/api/tokens", "/api/audit", "/api/orgs/memberships"])
    assert.equal((await control.get(path, options)).json.code, "missing_scope", path);
});

test("a service acts for a person by a token for one method, one minute, and the person's own scope", async (t) => {
  const control = await startHarness(t, { config: { operators: ["boss@example.org"] } });
  const boss = await signIn(control, "boss@example.org");
  const body = { service: "runtime", scopes: ["revocations:read"] };
  const made = await control.post("/api/service-keys", body, { token: await boss.token() });
  assert.equal(made.status, 201, made.text);
  const service = await grant(control, { grant_type: "api_key", api_key: made.json.secret });
  assert.equal(decodeJwt(service.json.access_token).sub, "svc_runtime");
  assert.equal(decodeJwt(service.json.access_token)["zone"], "0");

  const owner = await signIn(control, "owner@example.org");
  const exchange = async (changes: Record<string, string>) =>
    grant(control, {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: await owner.token(),
      actor_token: await control.token({ sub: "svc_runtime", scopes: ["tokens:exchange"] }),
      audience: "openagents",
      method: "openagents.control.v1.Me.GetMe",
      ...changes,
    });
  const granted = await exchange({});
  assert.equal(granted.status, 200, granted.text);
  assert.equal(granted.json.expires_in, 60);
  const claims = decodeJwt(granted.json.access_token);
  assert.deepEqual(
    [claims.sub, claims["act"], claims["org"], claims["scopes"]],
    ["svc_runtime", owner.userId, owner.org, ["me:read"]],
  );
  const options = { token: granted.json.access_token };
  assert.equal((await control.get("/api/me", options)).status, 200);
  assert.equal((await control.get("/api/audit", options)).json.code, "wrong_method");

  assert.equal((await exchange({ actor_token: service.json.access_token })).json.code, "unauthorized_client");
  assert.equal((await exchange({ audience: "elsewhere" })).json.code, "invalid_target");
  assert.equal((await exchange({ method: "no.such.Method" })).json.code, "invalid_scope");
  assert.equal((await exchange({ subject_token: granted.json.access_token })).json.code, "invalid_request");
  const little = await control.token({ sub: owner.userId, scopes: ["runs:read"] });
  assert.equal((await exchange({ subject_token: little })).json.code, "invalid_scope");
  // What ends the person's session ends what is done for it.
  await owner.person.post("/api/auth/sign-out-everywhere", {});
  assert.equal((await control.get("/api/me", options)).json.code, "token_revoked");
});

test("every other grant is refused with what to send", async (t) => {
  const control = await startHarness(t);
  for (const body of [
    {},
    { grant_type: "password" },
    { grant_type: "refresh_token" },
    { grant_type: "device" },
  ]) {
    const answer = await control.post("/api/auth/token", body, { token: "" });
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
  }
  assert.ok(scopesOf(contractsOf("control")).length > 0);
});

/** A session that a command line holds: its session token, and what that gives. */
async function openSession(control: Harness, email: string) {
  const session = await sessionTokenOf(control, email);
  const answer = await control.post("/api/auth/token", { grant_type: "session" }, { token: session });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.json.refresh_token, /^ort_/);
  return {
    session,
    accessToken: String(answer.json.access_token),
    refreshToken: String(answer.json.refresh_token),
  };
}

/** As a client that is no browser signs in: the session token comes in a header. */
async function sessionTokenOf(control: Harness, email: string): Promise<string> {
  const person = newPerson(control.url);
  const options = { token: "" };
  await control.post("/api/auth/email-otp/send-verification-otp", { email, type: "sign-in" }, options);
  const [mail] = await person.mailTo(email);
  const otp = /\b[0-9]{6}\b/.exec(mail?.text ?? "")?.[0];
  const answer = await control.post("/api/auth/sign-in/email-otp", { email, otp }, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.headers.get("set-auth-token") ?? String(answer.json.token);
}

function refresh(control: Harness, token: string, headers: Readonly<Record<string, string>> = {}) {
  return control.post(
    "/api/auth/token",
    { grant_type: "refresh_token", refresh_token: token },
    {
      token: "",
      headers,
    },
  );
}

async function databaseHolds(control: Harness, text: string): Promise<boolean> {
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  try {
    const rows = await db.query<{ found: boolean }>(
      statement(
        "test.holds",
        `SELECT EXISTS (SELECT FROM authority.commands WHERE body LIKE '%' || $1 || '%')
             OR EXISTS (SELECT FROM control.api_keys k WHERE k::text LIKE '%' || $1 || '%')
             OR EXISTS (SELECT FROM control.audit_entries a WHERE a::text LIKE '%' || $1 || '%') AS found`,
      ),
      [text],
    );
    return rows[0]?.found ?? true;
  } finally {
    await db.close();
  }
}
