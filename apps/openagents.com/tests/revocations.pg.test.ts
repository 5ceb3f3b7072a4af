import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthenticator, followRevocations, silentLogger } from "@openagents/service";
import { signIn } from "./access.ts";
import { ISSUER, startHarness, type Harness } from "./harness.ts";

const follower = (control: Harness) =>
  control.token({ sub: "svc_runtime", org: "org_operator", scopes: ["revocations:read"], zone: "0" });

const operator = (control: Harness) =>
  control.token({ sub: "usr_operator", scopes: ["access:revoke", "admin"] });

test("a service that follows refuses what control took back, by token, session and principal", async (t) => {
  const control = await startHarness(t);
  const { person, token: tokenOf } = await signIn(control, "owner@example.org");
  const jwks = (await control.get("/api/auth/jwks", { token: "" })).json;
  await using revocations = followRevocations({
    url: control.url,
    token: () => follower(control),
    nowMs: Date.now,
    log: silentLogger(),
  });
  const authenticate = createAuthenticator({
    jwks,
    issuer: ISSUER,
    audience: "openagents",
    revocations,
    nowMs: Date.now,
  });
  await until(() => revocations.isCurrent());
  const token = await tokenOf();
  const principal = await authenticate(`Bearer ${token}`);
  const other = await tokenOf();

  const revoke = async (by: string, value: string) => {
    const body = { by, value, reason: "test" };
    const answer = await control.post("/api/policy/revocations", body, { token: await operator(control) });
    assert.equal(answer.status, 200, answer.text);
  };
  const isRefused = async (each: string) =>
    authenticate(`Bearer ${each}`).then(
      () => false,
      (error: unknown) => error instanceof Error && "code" in error && error.code === "token_revoked",
    );
  await revoke("jti", principal.tokenId);
  await until(() => isRefused(token));
  assert.ok(!(await isRefused(other)));
  await revoke("sub", principal.id);
  await until(() => isRefused(other));
  const newer = await tokenOf();
  assert.ok(!(await isRefused(newer)), "who comes in again is let in");
  await person.post("/api/auth/sign-out", {});
  await until(() => isRefused(newer));
});

test("a long poll answers what comes while it waits, and nothing when its time is over", async (t) => {
  const control = await startHarness(t);
  const token = await follower(control);
  const first = await control.get("/api/internal/revocations", { token });
  assert.deepEqual(first.json, { revocations: [], through_seq: 0 });
  const waiting = control.get("/api/internal/revocations?after_seq=0&wait_ms=5000", { token });
  const body = { by: "sid", value: "ses_gone", reason: "test" };
  await control.post("/api/policy/revocations", body, { token: await operator(control) });
  const answer = await waiting;
  assert.equal(answer.json.through_seq, 1);
  assert.equal(answer.json.revocations[0].value, "ses_gone");
  const empty = await control.get("/api/internal/revocations?after_seq=1&wait_ms=10", { token });
  assert.deepEqual(empty.json, { revocations: [], through_seq: 1 });
});

test("whoever starts later is told what still matters, and not what no token can be hit by any more", async (t) => {
  let nowMs = Date.now();
  const control = await startHarness(t, { nowMs: () => nowMs });
  const revoke = async (value: string) => {
    const body = { by: "sid", value, reason: "test" };
    await control.post("/api/policy/revocations", body, { token: await operator(control) });
  };
  await revoke("ses_old");
  nowMs += 700_000;
  await revoke("ses_new");
  const { json } = await control.get("/api/internal/revocations", { token: await follower(control) });
  assert.equal(json.through_seq, 2);
  assert.deepEqual(
    json.revocations.map(({ value }: { readonly value: string }) => value),
    ["ses_new"],
  );
});

test("two instances of control refuse what either of them took back", async (t) => {
  const one = await startHarness(t);
  const two = await startHarness(t, { databaseUrl: one.databaseUrl });
  const token = await (await signIn(one, "owner@example.org")).token();
  assert.equal((await two.get("/api/me", { token })).status, 200);
  await one.post("/api/me/sessions/revoke", { keep_current: false }, { token });
  assert.equal((await one.get("/api/me", { token })).json.code, "token_revoked");
  await until(async () => (await two.get("/api/me", { token })).json.code === "token_revoked");
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
