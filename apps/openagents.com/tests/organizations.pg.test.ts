// Organisations, and how people come into them and go.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { signIn, type SignedIn } from "./access.ts";
import { startHarness, type Harness } from "./harness.ts";
import { query } from "./rows.ts";
import { accept, invite, join, leave, makeOrg, newSlug, remove, setRole } from "./team.ts";

const ORG = "/api/auth/organization";

test("who is invited signs in with that address, accepts once, and is in", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const invited = await invite(control, owner, org, "Bob@example.com", "billing");
  assert.equal(invited.status, 201, invited.text);
  const { invitation_id: invitationId } = invited.json;
  const mail = await mailTo(t, owner, "bob@example.com");
  assert.match(mail, new RegExp(`http://localhost:\\d+/invitations/${invitationId}`));

  const stranger = await signIn(control, "eve@example.com");
  assert.equal((await accept(control, stranger, invitationId)).json.code, "invitation_not_found");
  const bob = await signIn(control, "bob@example.com");
  const token = await bob.token();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => control.post(`/api/invitations/${invitationId}/accept`, {}, { token })),
  );
  assert.deepEqual(answers.map(({ status, json }) => String(json.reason ?? status)).toSorted(), [
    "200",
    "invitation_ended",
    "invitation_ended",
    "invitation_ended",
    "invitation_ended",
  ]);
  assert.equal((await control.get(`/api/orgs/${org}/members`, { token: await bob.token(org) })).status, 200);
  assert.deepEqual(await rolesIn(control, org), ["billing", "owner"]);
});

test("a member is added together with its audit entry and its receipt", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const invited = await invite(control, owner, org, "bob@example.com", "member");
  const bob = await signIn(control, "bob@example.com");
  const accepted = await accept(control, bob, invited.json.invitation_id);
  const { json } = await control.get("/api/audit?limit=3", { token: await owner.token(org) });
  assert.deepEqual(
    json.entries.map((each: { action: string; actor: string; receipt_id: string }) => [
      each.action,
      each.actor,
      each.receipt_id,
    ]),
    [
      ["invitation.accepted", bob.userId, accepted.json.receipt_id],
      ["invitation.made", owner.userId, invited.json.receipt_id],
      ["organization.created", owner.userId, json.entries[2].receipt_id],
    ],
  );
  assert.doesNotMatch(JSON.stringify(json), /bob@example/);
  const { rows } = await query(
    control.databaseUrl,
    "SELECT schema, tenant, body FROM authority.receipts WHERE receipt_id = $1",
    [accepted.json.receipt_id],
  );
  assert.deepEqual([rows[0].schema, rows[0].tenant], ["openagents.control.member_added.v1", org]);
});

test("of many who make an organisation of one name at once, one does", async (t) => {
  const { owner, control } = await startWithTeam(t);
  const token = await owner.token();
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => control.post("/api/orgs", { name: "Race", slug: "race" }, { token })),
  );
  assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), [
    "201",
    "409",
    "409",
    "409",
    "409",
    "409",
  ]);
  assert.ok(answers.every(({ status, json }) => status === 201 || json.reason === "slug_taken"));
  const reserved = await control.post("/api/orgs", { name: "Mine", slug: "org-abc" }, { token });
  assert.equal(reserved.json.reason, "slug_taken");
});

test("an organisation is renamed by its owners and admins, and never to another's short name", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const other = newSlug();
  await makeOrg(control, owner, other);
  const member = await join(control, owner, org, "bob@example.com", "admin");
  const rename = async (by: SignedIn, body: object) =>
    control.send("PATCH", `/api/orgs/${org}`, body, { token: await by.token(org) });
  const renamed = await rename(member, { name: "Crew" });
  assert.equal(renamed.json.org.name, "Crew", renamed.text);
  assert.equal((await rename(owner, { slug: other })).json.reason, "slug_taken");
  const token = await member.token(org);
  await setRole(control, owner, org, member.userId, "viewer");
  // Whose token is from before it lost the role is refused as well.
  const late = await control.send("PATCH", `/api/orgs/${org}`, { name: "Mine" }, { token });
  assert.ok(late.status === 401 || late.json.reason === "admins_only", late.text);
});

test("an invitation that has expired, was declined or taken back lets nobody in", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const bob = await signIn(control, "bob@example.com");
  const ask = async () =>
    String((await invite(control, owner, org, "bob@example.com", "member")).json.invitation_id);
  const late = await ask();
  await query(control.databaseUrl, `UPDATE auth.invitation SET "expiresAt" = "createdAt"`);
  assert.equal((await accept(control, bob, late)).json.reason, "invitation_expired");
  const cancelled = await ask();
  const path = `/api/orgs/${org}/invitations/${cancelled}/cancel`;
  assert.equal((await control.post(path, {}, { token: await owner.token(org) })).status, 200);
  assert.equal((await accept(control, bob, cancelled)).json.reason, "invitation_ended");
  const declined = await ask();
  const decline = `/api/invitations/${declined}/decline`;
  assert.equal((await control.post(decline, {}, { token: await bob.token() })).status, 200);
  assert.equal((await accept(control, bob, declined)).json.reason, "invitation_ended");
  const earlier = await ask();
  await ask();
  assert.equal((await accept(control, bob, earlier)).json.reason, "invitation_ended", "one waits at a time");
  assert.deepEqual(await rolesIn(control, org), ["owner"]);
});

test("nobody comes in by an invitation of somebody who is out", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const admin = await join(control, owner, org, "admin@example.com", "admin");
  const invited = await invite(control, admin, org, "bob@example.com", "admin");
  await remove(control, owner, org, admin.userId);
  const bob = await signIn(control, "bob@example.com");
  assert.equal((await accept(control, bob, invited.json.invitation_id)).json.reason, "invitation_ended");
});

test("members, billing and viewers invite nobody; an admin makes nobody an owner", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  for (const role of ["admin", "member", "billing", "viewer"]) {
    const person = await join(control, owner, org, `${role}@example.com`, role);
    const invited = await invite(control, person, org, `by-${role}@example.com`, "viewer");
    assert.equal(invited.status, role === "admin" ? 201 : 403, `${role}: ${invited.text}`);
    const raised = await invite(control, person, org, "x@example.com", "owner");
    assert.equal(raised.status, 403, role);
    assert.equal(raised.json.reason, role === "admin" ? "owners_only" : "orgs:write", role);
  }
  const again = await invite(control, owner, org, "viewer@example.com", "member");
  assert.equal(again.json.reason, "already_member");
});

test("the last owner cannot go; of two who go at once one stays, and is told why", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  assert.equal((await leave(control, owner, org)).json.reason, "last_owner");
  const second = await join(control, owner, org, "bob@example.com", "owner");
  const [one, two] = [await owner.token(), await second.token()];
  const answers = await Promise.all(
    [one, two].map((token) => control.post(`/api/orgs/${org}/leave`, {}, { token })),
  );
  assert.deepEqual(
    answers.map(({ status, json }) => String(json.reason ?? status)).toSorted(),
    ["200", "last_owner"],
    answers.map(({ text }) => text).join(),
  );
  assert.deepEqual(await rolesIn(control, org), ["owner"]);
});

test("who leaves has no token of it any more, and a personal organisation cannot be left", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const member = await join(control, owner, org, "bob@example.com", "member");
  const token = await member.token(org);
  assert.equal((await leave(control, member, org)).status, 200);
  assert.equal((await control.get("/api/me", { token })).json.code, "token_revoked");
  assert.equal((await leave(control, member, org)).json.code, "org_not_found");
  assert.equal((await leave(control, member, member.org)).json.reason, "personal_organization");
  const asked = await invite(control, member, member.org, "eve@example.com", "member");
  assert.equal(asked.json.reason, "personal_organization");
});

test("who is no member sees and changes nothing of an organisation", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  await invite(control, owner, org, "bob@example.com", "owner");
  const eve = await signIn(control, "eve@example.com");
  const at = `?organizationId=${org}`;
  for (const path of [`/get-full-organization${at}`, `/list-members${at}`, `/list-invitations${at}`]) {
    const answer = await eve.person.get(ORG + path);
    assert.ok(answer.status >= 400, path);
    assert.doesNotMatch(answer.text, /ada@example|Team/);
  }
  assert.ok((await eve.person.post(`${ORG}/set-active`, { organizationId: org })).status >= 400);
  const token = await eve.token();
  const renamed = await control.send("PATCH", `/api/orgs/${org}`, { name: "Eve's" }, { token });
  assert.equal(renamed.json.code, "org_not_found");
  const invited = await control.post(
    `/api/orgs/${org}/invitations`,
    { email: "e@example.com", role: "owner" },
    { token },
  );
  assert.equal(invited.json.code, "org_not_found");
});

test("nothing changes who is in an organisation but the commands: the library's own routes name them", async (t) => {
  const { owner, org, control } = await startWithTeam(t);
  const routes = [
    "create",
    "update",
    "invite-member",
    "cancel-invitation",
    "accept-invitation",
    "reject-invitation",
    "update-member-role",
    "remove-member",
    "leave",
  ];
  for (const route of routes) {
    const answer = await owner.person.post(`${ORG}/${route}`, { organizationId: org });
    assert.deepEqual([answer.status, answer.json.code], [410, "command_instead"], route);
    const command = /command (POST|PATCH) (\S+),/.exec(answer.json.detail);
    const { json } = await control.get("/openapi.json", { token: "" });
    const verb = command?.[1]?.toLowerCase() ?? "";
    assert.ok(json.paths[command?.[2] ?? ""]?.[verb] !== undefined, answer.json.detail);
  }
  assert.deepEqual(await rolesIn(control, org), ["owner"]);
});

type Started = { readonly control: Harness; readonly owner: SignedIn; readonly org: string };

async function startWithTeam(t: TestContext): Promise<Started> {
  const control = await startHarness(t);
  const owner = await signIn(control, "ada@example.com");
  return { control, owner, org: await makeOrg(control, owner) };
}

async function rolesIn(control: Harness, org: string): Promise<string[]> {
  const { rows } = await query(
    control.databaseUrl,
    `SELECT "role" FROM auth.member WHERE "organizationId" = $1 ORDER BY "role"`,
    [org],
  );
  return rows.map(({ role }) => role);
}

/** The mail leaves behind the answer. */
function mailTo(t: TestContext, { person }: SignedIn, email: string): Promise<string> {
  return t.waitFor(
    async () => {
      const mail = (await person.mailTo(email)).find(({ subject }) => /invited/.test(subject));
      assert.ok(mail !== undefined);
      return mail.text;
    },
    { timeout: 10_000 },
  );
}
