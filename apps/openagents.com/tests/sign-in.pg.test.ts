// Signing in by an emailed code: what works, and what an attacker may not do.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";
import { SESSION_COOKIE, codeOf, newPerson, type Person, type Reply } from "./person.ts";
import { everyRow, query } from "./rows.ts";

const SEND = "/api/auth/email-otp/send-verification-otp";
const SIGN_IN = "/api/auth/sign-in/email-otp";

test("a person signs in by an emailed code, in an organisation of their own, and out again", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  const answer = await person.signIn("Ada@example.com");
  assert.match(answer.json.user.id, /^usr_[0-9a-z_]+$/);
  const cookie = answer.headers.getSetCookie().find((line) => line.startsWith(SESSION_COOKIE)) ?? "";
  for (const attribute of ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"])
    assert.ok(cookie.includes(attribute));

  const { json } = await person.get("/api/auth/get-session");
  assert.equal(json.user.email, "ada@example.com");
  assert.equal(json.session.activeOrganizationId, json.user.id.replace("usr_", "org_"));
  const orgs = await person.get("/api/auth/organization/list");
  assert.deepEqual(
    orgs.json.map((org: { id: string; personal: boolean }) => [org.id, org.personal]),
    [[json.session.activeOrganizationId, true]],
  );

  const kept = person.cookieHeader();
  assert.equal((await person.post("/api/auth/sign-out", {})).status, 200);
  assert.equal(person.cookies.has(SESSION_COOKIE), false);
  assert.equal((await person.get("/api/auth/sessions", { headers: { cookie: kept } })).status, 401);
});

test("nothing in the database is a code, a session token, or a device code", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.post(SEND, { email: "waiting@example.com", type: "sign-in" });
  const code = codeOf((await person.mailTo("waiting@example.com"))[0]?.text ?? "");
  // Without the headers that browsers set: a client that gets its token in the answer.
  await post(control, SEND, { email: "cli@example.com", type: "sign-in" });
  const otp = codeOf((await person.mailTo("cli@example.com"))[0]?.text ?? "");
  const { token } = await post(control, SIGN_IN, { email: "cli@example.com", otp });
  const device = await post(control, "/api/auth/device/code", { client_id: "openagents-cli" });

  const rows = await everyRow(control.databaseUrl);
  assert.match(rows, /cli@example\.com/);
  for (const secret of [token, device.device_code, device.user_code, `,${code}:`, `"${code}:`]) {
    assert.ok(secret.length > 5);
    assert.ok(!rows.includes(secret), `found ${secret}`);
  }
  const { rows: stored } = await query(control.databaseUrl, `SELECT token FROM auth.session`);
  const presented = await fetch(`${control.url}/api/auth/sessions`, {
    headers: { authorization: `Bearer ${stored[0].token}` },
  });
  assert.equal(presented.status, 401, "what is stored signs nobody in");
});

test("a browser's pages never see the session token that is in its cookie", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  const answer = await person.signIn("ada@example.com");
  const token = decodeURIComponent(person.cookies.get(SESSION_COOKIE) ?? "").split(".")[0] ?? "";
  assert.equal(token.length, 32);
  const session = await person.get("/api/auth/get-session");
  const listed = await person.get("/api/auth/sessions");
  for (const { text } of [answer, session, listed]) assert.ok(!text.includes(token));
  assert.equal(answer.headers.get("set-auth-token"), null);
});

test("a code is good for five tries, once, and in ten minutes", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  const ask = async (email: string) => {
    await person.post(SEND, { email, type: "sign-in" });
    return codeOf((await person.mailTo(email))[0]?.text ?? "");
  };
  const attempt = async (email: string, otp: string) =>
    (await newPerson(control.url).post(SIGN_IN, { email, otp })).status;

  const guessed = await ask("guessed@example.com");
  for (let tries = 0; tries < 5; tries += 1)
    assert.equal(await attempt("guessed@example.com", wrong(guessed)), 400);
  assert.equal(await attempt("guessed@example.com", guessed), 403, "the sixth try is refused, and right");
  assert.equal(await attempt("guessed@example.com", guessed), 400);

  const used = await ask("used@example.com");
  assert.equal(await attempt("used@example.com", used), 200);
  assert.equal(await attempt("used@example.com", used), 400);

  const late = await ask("late@example.com");
  await query(
    control.databaseUrl,
    `UPDATE auth.verification SET "expiresAt" = "expiresAt" - interval '10 minutes'`,
  );
  assert.equal(await attempt("late@example.com", late), 400);
});

test("of many who try a code at once, one gets in", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.post(SEND, { email: "race@example.com", type: "sign-in" });
  const otp = codeOf((await person.mailTo("race@example.com"))[0]?.text ?? "");
  const all = await Promise.all(
    Array.from({ length: 8 }, () => newPerson(control.url).post(SIGN_IN, { email: "race@example.com", otp })),
  );
  assert.equal(all.filter(({ status }) => status === 200).length, 1);
  const { rows } = await query(control.databaseUrl, `SELECT count(*)::int AS n FROM auth.session`);
  assert.equal(rows[0].n, 1);
});

test("codes of one account are guessed at no faster from many addresses", async (t) => {
  const { control, clock } = await startBehindProxy(t);
  const person = newPerson(control.url);
  let tries = 0;
  for (; tries < 30; tries += 1) {
    const headers = { "x-forwarded-for": `203.0.113.${tries}` };
    const answer = await person.post(SIGN_IN, { email: "victim@example.com", otp: "000000" }, { headers });
    if (answer.status === 429) {
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.equal(answer.json.code, "too_many_attempts");
      assert.ok(Number(answer.headers.get("retry-after")) > 0);
      clock.advance(Number(answer.headers.get("retry-after")) * 1000);
      const again = await person.post(SIGN_IN, { email: "victim@example.com", otp: "000000" }, { headers });
      assert.equal(again.status, 400, "after the time that was named there is a try again");
      break;
    }
  }
  assert.equal(tries, 10);
});

test("who gets in has all tries again", async (t) => {
  const control = await startHarness(t, { nowMs: manualClock(Date.now()).nowMs });
  for (let n = 0; n < 12; n += 1) await newPerson(control.url).signIn("often@example.com");
});

test("one address tries no more accounts than it may, whatever it says of where it is from", async (t) => {
  const control = await startHarness(t, { nowMs: manualClock(Date.now()).nowMs });
  const person = newPerson(control.url);
  const statuses: number[] = [];
  for (let n = 0; n < 45; n += 1) {
    const headers = {
      "x-forwarded-for": `203.0.113.${n}`,
      "x-real-ip": `203.0.113.${n}`,
      forwarded: `for=203.0.113.${n}`,
    };
    const { status } = await person.post(
      SIGN_IN,
      { email: `user${n}@example.com`, otp: "000000" },
      { headers },
    );
    statuses.push(status);
  }
  assert.deepEqual([statuses.indexOf(429), statuses.filter((status) => status === 429).length], [40, 5]);
});

test("all instances count the same tries", async (t) => {
  const { nowMs } = manualClock(Date.now());
  const one = await startHarness(t, { nowMs });
  const other = await startHarness(t, { nowMs, databaseUrl: one.databaseUrl });
  const results = await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      newPerson((n % 2 === 0 ? one : other).url).post(SIGN_IN, { email: "both@example.com", otp: "000000" }),
    ),
  );
  assert.equal(results.filter(({ status }) => status === 429).length, 6);
});

test("a sign-in makes a new session, whatever cookie was there before", async (t) => {
  const control = await startHarness(t);
  const attacker = newPerson(control.url);
  await attacker.signIn("attacker@example.com");
  const planted = attacker.cookies.get(SESSION_COOKIE) ?? "";
  const victim = newPerson(control.url);
  victim.cookies.set(SESSION_COOKIE, planted);
  await victim.signIn("victim@example.com");
  assert.notEqual(victim.cookies.get(SESSION_COOKIE), planted);
  assert.equal((await attacker.get("/api/auth/get-session")).json.user.email, "attacker@example.com");
  const made = newPerson(control.url);
  made.cookies.set(SESSION_COOKIE, "A".repeat(32));
  await made.signIn("victim@example.com");
  assert.notEqual(made.cookies.get(SESSION_COOKIE), "A".repeat(32));
});

test("a command with a cookie needs the session's own CSRF token and a page of ours", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.signIn("ada@example.com");
  const other = newPerson(control.url);
  await other.signIn("eve@example.com");
  const rename = async (csrf: string, headers = {}) => {
    const { status, json } = await person.post("/api/auth/update-user", { name: "Eve" }, { csrf, headers });
    return `${status} ${json.code ?? ""}`;
  };
  const good = await person.csrf();
  assert.equal(await rename(""), "403 csrf_token_invalid");
  assert.equal(await rename(await other.csrf()), "403 csrf_token_invalid");
  assert.equal(await rename(good.slice(0, -1)), "403 csrf_token_invalid");
  for (const origin of [
    "https://evil.example",
    "null",
    `http://localhost:1`,
    `http://localhost:${new URL(control.url).port}.evil.example`,
  ])
    assert.equal(await rename(good, { origin }), "403 origin_not_allowed");
  assert.equal((await person.get("/api/auth/get-session")).json.user.name, "");
  assert.equal(await rename(good), "200 ");
});

test("another site's page can neither begin a sign-in nor read an answer", async (t) => {
  const control = await startHarness(t, { config: { allowedOrigins: ["http://localhost:4242"] } });
  const cross = { "sec-fetch-site": "cross-site", "content-type": "application/json" };
  for (const headers of [cross, { ...cross, origin: "http://localhost:9" }]) {
    const sent = await fetch(control.url + SEND, {
      method: "POST",
      headers,
      body: JSON.stringify({ email: "a@example.com", type: "sign-in" }),
    });
    assert.equal(sent.status, 403);
    assert.equal(sent.headers.get("access-control-allow-origin"), null);
  }
  const preflight = async (origin: string) => {
    const { status, headers } = await fetch(`${control.url}/api/auth/get-session`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
    return [
      status,
      headers.get("access-control-allow-origin"),
      headers.get("access-control-allow-credentials"),
    ];
  };
  assert.deepEqual(await preflight("http://localhost:9"), [204, null, null]);
  assert.deepEqual(await preflight("http://localhost:4242"), [204, "http://localhost:4242", null]);
});

test("signing out everywhere ends every session of the person, and nobody else's", async (t) => {
  const control = await startHarness(t);
  const people = [newPerson(control.url), newPerson(control.url), newPerson(control.url)];
  const [laptop, phone, other] = people;
  assert.ok(laptop && phone && other);
  await laptop.signIn("ada@example.com");
  await phone.signIn("ada@example.com");
  await other.signIn("eve@example.com");
  const [first, second] = (await laptop.get("/api/auth/sessions")).json.sessions;
  assert.deepEqual([first.current, second.current], [false, true]);

  const foreign = await other.post("/api/auth/sessions/revoke", { session_id: first.session_id });
  assert.equal(foreign.status, 404);
  assert.equal(
    (await laptop.post("/api/auth/sessions/revoke", { session_id: first.session_id })).status,
    200,
  );
  assert.deepEqual(await statusesOf(people), [200, 401, 200]);
  await phone.signIn("ada@example.com");
  assert.equal((await phone.post("/api/auth/sign-out-everywhere", {})).json.sessions_ended, 2);
  assert.deepEqual(await statusesOf(people), [401, 401, 200]);
});

test("a session that has expired is nobody's, and forgotten cookies keep nobody out", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.signIn("ada@example.com");
  await query(control.databaseUrl, `UPDATE auth.session SET "expiresAt" = "createdAt"`);
  assert.equal((await person.get("/api/auth/sessions")).status, 401);
  assert.equal(person.cookies.has(SESSION_COOKIE), true);
  await person.signIn("ada@example.com");
  assert.equal((await person.get("/api/auth/sessions")).status, 200);
});

test("a body that is too large, or no JSON object, is refused", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  const large = await person.post(SEND, {
    email: "a@example.com",
    type: "sign-in",
    rest: "x".repeat(70_000),
  });
  assert.equal(large.status, 413);
  assert.equal((await person.post(SEND, ["a@example.com"])).status, 400);
  const text = await person.post(SEND, {}, { headers: { "content-type": "text/plain" } });
  assert.equal(text.status, 415);
});

test("only the listed part of better-auth has an address, and bodies are taken apart", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.signIn("ada@example.com");
  for (const path of [
    "/sign-up/email",
    "/list-sessions",
    "/revoke-session",
    "/change-email",
    "/organization/delete",
    "/email-otp/reset-password",
  ]) {
    const answer = await person.post(`/api/auth${path}`, {});
    assert.deepEqual([answer.status, answer.json.code], [404, "route_not_found"], path);
  }
  const cases: readonly [string, unknown][] = [
    [SEND, { email: "a@example.com", type: "forget-password" }],
    [SEND, { email: "a@example.com\r\nBcc: b@example.com", type: "sign-in" }],
    [SEND, { email: ["a@example.com"], type: "sign-in" }],
    ["/api/auth/update-user", { name: "a\nb" }],
  ];
  for (const [path, body] of cases)
    assert.equal((await person.post(path, body)).json.status, 400, JSON.stringify(body));
  const renamed = await person.post("/api/auth/update-user", {
    name: "Ada",
    emailVerified: false,
    id: "usr_x",
  });
  assert.equal(renamed.status, 200);
  const { json } = await person.get("/api/auth/get-session");
  assert.deepEqual([json.user.name, json.user.emailVerified], ["Ada", true]);
});

async function statusesOf(people: readonly Person[]): Promise<number[]> {
  const answers = await Promise.all(people.map((person) => person.get("/api/auth/sessions")));
  return answers.map(({ status }) => status);
}

async function startBehindProxy(t: TestContext) {
  const clock = manualClock(Date.now());
  const config = { trustedProxies: ["127.0.0.1"] };
  return { control: await startHarness(t, { nowMs: clock.nowMs, config }), clock };
}

/** The answer to a client that is no browser. */
async function post(control: Harness, path: string, body: unknown): Promise<Reply["json"]> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(control.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.json();
}

function wrong(code: string): string {
  return code === "111111" ? "222222" : "111111";
}
