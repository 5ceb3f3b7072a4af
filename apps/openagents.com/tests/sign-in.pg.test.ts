import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";
import { SESSION_COOKIE, newPerson } from "./person.ts";

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
