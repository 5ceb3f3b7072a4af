// Sign-in at WorkOS, against a stand-in of it.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startHarness, type Harness } from "./harness.ts";
import { SESSION_COOKIE, newPerson, type Person, type Reply } from "./person.ts";
import { everyRow, query } from "./rows.ts";
import { startWorkOsStandIn } from "./work-os-stand-in.ts";

const ADA = { id: "user_ada", email: "Ada@example.com" };

test("a person signs in at the identity provider, and is sent where they wanted to go", async (t) => {
  const { control, workOs } = await startWithWorkOs(t);
  workOs.person = ADA;
  const person = newPerson(control.url);
  const arrived = await travel(person, "/sign-in/sso?return_to=/runs/run_1");
  assert.deepEqual([arrived.status, arrived.headers.get("location")], [303, "/runs/run_1"]);
  const { json } = await person.get("/api/auth/get-session");
  assert.deepEqual(
    [json.user.email, json.user.name, json.session.methods],
    ["ada@example.com", "Ada Lovelace", "sso"],
  );
  assert.equal(person.cookies.size, 1, "what was under way is forgotten");

  workOs.person = { ...ADA, email: "ada.new@example.com" };
  const again = newPerson(control.url);
  await travel(again, "/sign-in/sso");
  assert.equal((await again.get("/api/auth/get-session")).json.user.id, json.user.id);
  assert.doesNotMatch(await everyRow(control.databaseUrl), /stand-in-(access|refresh)|sk_stand_in/);
});

test("there is no other way in", async (t) => {
  const { control } = await startWithWorkOs(t);
  const person = newPerson(control.url);
  const ways: readonly [string, unknown][] = [
    ["/api/auth/email-otp/send-verification-otp", { email: "ada@example.com", type: "sign-in" }],
    ["/api/auth/sign-in/email-otp", { email: "ada@example.com", otp: "123456" }],
    ["/api/auth/passkey/verify-authentication", { response: {} }],
  ];
  for (const [path, body] of ways) {
    const { status, json } = await person.post(path, body);
    assert.deepEqual([status, json.code], [403, "sso_required"], path);
  }
  assert.deepEqual((await person.get("/api/auth/sign-in-options")).json, { methods: ["sso"] });
  const { rows } = await query(control.databaseUrl, `SELECT count(*)::int AS n FROM auth.verification`);
  assert.equal(rows[0].n, 0);
});

test("a code is good once, and in the browser alone that asked for it", async (t) => {
  const { control, workOs } = await startWithWorkOs(t);
  workOs.person = ADA;
  const attacker = newPerson(control.url);
  const callback = await callbackOf(attacker, "/sign-in/sso");
  const victim = newPerson(control.url);
  assert.equal((await victim.get(callback)).json.code, "sso_refused");
  await callbackOf(victim, "/sign-in/sso");
  assert.equal((await victim.get(callback)).json.code, "sso_refused", "nor in one that asked for another");
  assert.equal(victim.cookies.has(SESSION_COOKIE), false);
  const flight = new Map(attacker.cookies);
  assert.equal((await attacker.get(callback)).status, 303);
  for (const [name, value] of flight) attacker.cookies.set(name, value);
  assert.equal((await attacker.get(callback)).json.code, "sso_refused");
});

test("who is not verified, or not the person, does not get in", async (t) => {
  const { control, workOs } = await startWithWorkOs(t);
  for (const person of [
    { ...ADA, verified: false },
    { ...ADA, impersonated: true },
  ]) {
    workOs.person = person;
    assert.equal((await travel(newPerson(control.url), "/sign-in/sso")).json.code, "sso_refused");
  }
  workOs.person = ADA;
  const person = newPerson(control.url);
  const callback = await callbackOf(person, "/sign-in/sso");
  workOs.broken = true;
  const away = await person.get(callback);
  assert.deepEqual(
    [away.status, away.json.code, away.headers.get("retry-after")],
    [503, "sso_unavailable", "5"],
  );
  const { rows } = await query(control.databaseUrl, `SELECT count(*)::int AS n FROM auth."user"`);
  assert.equal(rows[0].n, 0);
});

test("a sign-in leads to pages of ours only", async (t) => {
  const { control, workOs } = await startWithWorkOs(t);
  workOs.person = ADA;
  for (const target of [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/api/auth/sign-out",
    "/a\r\nb: c",
  ]) {
    const path = `/sign-in/sso?return_to=${encodeURIComponent(target)}`;
    assert.equal((await travel(newPerson(control.url), path)).headers.get("location"), "/", target);
  }
});

async function startWithWorkOs(t: TestContext) {
  const workOs = await startWorkOsStandIn(t);
  const { apiKey, clientId, baseUrl } = workOs;
  const control: Harness = await startHarness(t, { config: { workOs: { apiKey, clientId, baseUrl } } });
  return { control, workOs };
}

/** Where the identity provider sends the browser back to, as a path of ours. */
async function callbackOf(person: Person, path: string): Promise<string> {
  const begun = await person.get(path);
  const authorized = await fetch(begun.headers.get("location") ?? "", { redirect: "manual" });
  const back = new URL(authorized.headers.get("location") ?? "");
  return back.pathname + back.search;
}

async function travel(person: Person, path: string): Promise<Reply> {
  return person.get(await callbackOf(person, path));
}
