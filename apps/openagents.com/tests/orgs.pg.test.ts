import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import { deviceGrant, deviceToken, enroll, grant, newDevice, signIn, type SignedIn } from "./access.ts";
import { startHarness, type Harness } from "./harness.ts";
import { join, makeOrg, remove, setRole } from "./team.ts";

test("a role that changes ends the member's tokens, and the next ones say what is so now", async (t) => {
  const control = await startHarness(t);
  const { owner, member, org } = await team(control);
  const before = await member.token(org);
  assert.ok(!(decodeJwt(before)["scopes"] as string[]).includes("orgs:write"));
  const changed = await setRole(control, owner, org, member.userId, "admin");
  assert.equal(changed.status, 200, changed.text);
  assert.equal(changed.json.member.role, "admin");
  assert.equal((await control.get("/api/me", { token: before })).json.code, "token_revoked");
  const after = await member.token(org);
  assert.ok((decodeJwt(after)["scopes"] as string[]).includes("orgs:write"));
  assert.equal((await control.get("/api/me", { token: after })).status, 200);
  const again = await setRole(control, owner, org, member.userId, "admin");
  assert.equal(again.json.reason, "role_unchanged");
});

test("only owners make owners and change them, and the last one stays", async (t) => {
  const control = await startHarness(t);
  const { owner, member, org } = await team(control);
  assert.equal((await setRole(control, owner, org, owner.userId, "member")).json.reason, "last_owner");
  await setRole(control, owner, org, member.userId, "admin");
  assert.equal((await setRole(control, member, org, member.userId, "owner")).json.reason, "owners_only");
  assert.equal((await remove(control, member, org, owner.userId)).json.reason, "owners_only");
  assert.equal((await remove(control, owner, org, owner.userId)).json.reason, "last_owner");
});

test("of two owners who step down at once one stays", async (t) => {
  const control = await startHarness(t);
  const { owner, member, org } = await team(control);
  await setRole(control, owner, org, member.userId, "owner");
  const [one, two] = [await owner.token(org), await member.token(org)];
  const answers = await Promise.all([
    control.post(`/api/orgs/${org}/members/${owner.userId}/role`, { role: "member" }, { token: one }),
    control.post(`/api/orgs/${org}/members/${member.userId}/role`, { role: "member" }, { token: two }),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => String(status)).toSorted(),
    ["200", "409"],
    answers.map((a) => a.text).join(),
  );
});

test("who is removed is out at once, with the devices enrolled there, and keys stay", async (t) => {
  const control = await startHarness(t);
  const { owner, member, org } = await team(control);
  const token = await member.token(org);
  const device = newDevice();
  await enroll(control, device, token);
  const devices = await deviceToken(control, device);
  const made = await control.post(
    "/api/tokens",
    { name: "ci", scopes: ["me:read"] },
    { token: await owner.token(org) },
  );
  assert.equal((await remove(control, owner, org, member.userId)).status, 200);
  for (const each of [token, devices])
    assert.equal((await control.get("/api/me", { token: each })).json.code, "token_revoked");
  assert.equal((await grant(control, await deviceGrant(control, device))).json.code, "device_owner_left");
  const asked = await member.person.post("/api/auth/token", { grant_type: "session", org });
  assert.equal(asked.json.code, "invalid_grant");
  const key = await grant(control, { grant_type: "api_key", api_key: made.json.secret });
  assert.equal(key.status, 200);
});

test("another organisation is not there, for whoever guesses its id and its members", async (t) => {
  const control = await startHarness(t);
  const { owner, member, org } = await team(control);
  const stranger = await signIn(control, "stranger@example.org");
  const token = await stranger.token();
  assert.equal((await control.get(`/api/orgs/${org}/members`, { token })).status, 404);
  const member404 = `/api/orgs/${org}/members/${member.userId}`;
  assert.equal((await control.post(`${member404}/role`, { role: "viewer" }, { token })).status, 404);
  assert.equal((await control.post(`${member404}/remove`, {}, { token })).status, 404);
  // Nor is a person of elsewhere in one's own.
  const own = await owner.token(org);
  const theirs = `/api/orgs/${org}/members/${stranger.userId}`;
  assert.equal((await control.post(`${theirs}/role`, { role: "viewer" }, { token: own })).status, 404);
  const active = await control.post("/api/orgs/active", { org_id: org }, { token });
  assert.equal(active.status, 404);
});

test("the organisation that a session is for is changed by its person", async (t) => {
  const control = await startHarness(t);
  const { member, org } = await team(control);
  const own = member.org;
  const token = await member.token(org);
  const answer = await control.post("/api/orgs/active", { org_id: own }, { token });
  assert.equal(answer.json.active_org_id, own);
  assert.equal(decodeJwt(await member.token())["org"], own);
  const listed = await control.get("/api/orgs/memberships", { token });
  assert.deepEqual(
    listed.json.memberships.map(({ org_id }: { readonly org_id: string }) => org_id).toSorted(),
    [own, org].toSorted(),
  );
});

test("who changed what is written down, for those who may read it, and cannot be changed", async (t) => {
  const control = await startHarness(t);
  const { owner, member, org } = await team(control);
  const changed = await setRole(control, owner, org, member.userId, "admin");
  const token = await owner.token(org);
  const { json } = await control.get("/api/audit?limit=1", { token });
  const [entry] = json.entries;
  assert.equal(entry.action, "member.role_changed");
  assert.equal(entry.actor, owner.userId);
  assert.equal(entry.subject, member.userId);
  assert.equal(entry.receipt_id, changed.json.receipt_id);
  const next = await control.get(`/api/audit?limit=200&cursor=${json.next_cursor}`, { token });
  assert.ok(
    next.json.entries.every(({ entry_id }: { readonly entry_id: string }) => entry_id < entry.entry_id),
  );
  const stranger = await signIn(control, "stranger@example.org");
  const theirs = await control.get(`/api/audit?subject=${member.userId}`, { token: await stranger.token() });
  assert.deepEqual(theirs.json.entries, []);
});

test("signing out of one session leaves the others, and another's is not one's own", async (t) => {
  const control = await startHarness(t);
  const here = await signIn(control, "owner@example.org");
  const there = await signIn(control, "owner@example.org");
  const token = await here.token();
  const { json } = await control.get("/api/me/sessions", { token });
  assert.equal(json.sessions.length, 2);
  const other = json.sessions.find(({ current }: { readonly current: boolean }) => !current);
  const stranger = await signIn(control, "stranger@example.org");
  const path = `/api/me/sessions/${other.session_id}/revoke`;
  const theirs = await control.post(path, {}, { token: await stranger.token() });
  assert.equal(theirs.json.reason, "session_ended");
  const elsewhere = await there.token();
  assert.equal((await control.post(path, {}, { token })).status, 200);
  assert.equal((await control.get("/api/me", { token: elsewhere })).json.code, "token_revoked");
  assert.equal((await control.get("/api/me", { token })).status, 200);
  assert.equal((await control.post(path, {}, { token })).json.reason, "session_ended");
});

type Team = { readonly owner: SignedIn; readonly member: SignedIn; readonly org: string };

/** An organisation with an owner and a member. */
async function team(control: Harness): Promise<Team> {
  const owner = await signIn(control, "owner@example.org");
  const org = await makeOrg(control, owner);
  const member = await join(control, owner, org, "member@example.org", "member");
  return { owner, member, org };
}
