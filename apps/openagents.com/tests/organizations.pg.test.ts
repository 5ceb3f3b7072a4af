// Organisations and who is in them.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startHarness } from "./harness.ts";
import { newPerson, type Person } from "./person.ts";
import { query } from "./rows.ts";

const ORG = "/api/auth/organization";

test("who is invited signs in with that address, accepts, and is in", async (t) => {
  const { owner, orgId, control } = await startWithTeam(t);
  const invited = await owner.post(`${ORG}/invite-member`, {
    email: "Bob@example.com",
    role: "billing",
    organizationId: orgId,
  });
  assert.equal(invited.status, 200);
  const [mail] = await owner.mailTo("bob@example.com");
  const invitationId = /\/invitations\/(\w+)/.exec(mail?.text ?? "")?.[1] ?? "";
  assert.match(mail?.text ?? "", /http:\/\/localhost:/);

  const stranger = newPerson(control.url);
  await stranger.signIn("eve@example.com");
  assert.equal((await stranger.post(`${ORG}/accept-invitation`, { invitationId })).status, 403);
  const bob = newPerson(control.url);
  await bob.signIn("bob@example.com");
  assert.equal((await bob.get(`${ORG}/list-user-invitations`)).json.length, 1);
  const [first, second] = await Promise.all([
    bob.post(`${ORG}/accept-invitation`, { invitationId }),
    bob.post(`${ORG}/accept-invitation`, { invitationId }),
  ]);
  assert.ok([first.status, second.status].includes(200));
  assert.ok(first.status < 500 && second.status < 500);
  assert.equal((await bob.post(`${ORG}/set-active`, { organizationId: orgId })).status, 200);
  const session = await bob.get("/api/auth/get-session");
  assert.equal(session.json.session.activeOrganizationId, orgId);
  const { rows } = await query(
    control.databaseUrl,
    `SELECT m."role" FROM auth.member m WHERE m."organizationId" = $1 ORDER BY m."role"`,
    [orgId],
  );
  assert.deepEqual(
    rows.map(({ role }) => role),
    ["billing", "owner"],
  );
});

test("of many who make an organisation of one name at once, one does", async (t) => {
  const { owner } = await startWithTeam(t);
  const csrf = await owner.csrf();
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => owner.post(`${ORG}/create`, { name: "Race", slug: "race" }, { csrf })),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200 && status !== 400 && status !== 409),
    [],
  );
});

test("an invitation that has expired, or was taken back, lets nobody in", async (t) => {
  const { owner, orgId, control } = await startWithTeam(t);
  const bob = newPerson(control.url);
  await bob.signIn("bob@example.com");
  const invite = async () =>
    (
      await owner.post(`${ORG}/invite-member`, {
        email: "bob@example.com",
        role: "member",
        organizationId: orgId,
      })
    ).json.id;
  const late = await invite();
  await query(control.databaseUrl, `UPDATE auth.invitation SET "expiresAt" = "createdAt"`);
  assert.equal((await bob.post(`${ORG}/accept-invitation`, { invitationId: late })).status, 400);
  const cancelled = await invite();
  assert.equal((await owner.post(`${ORG}/cancel-invitation`, { invitationId: cancelled })).status, 200);
  assert.equal((await bob.post(`${ORG}/accept-invitation`, { invitationId: cancelled })).status, 400);
  assert.equal((await bob.get(`${ORG}/list`)).json.length, 1);
});

test("members, billing and viewers change nothing; an admin makes nobody an owner", async (t) => {
  const { owner, orgId, control } = await startWithTeam(t);
  const roles = ["admin", "member", "billing", "viewer"] as const;
  for (const role of roles) {
    const person = await join(owner, orgId, control.url, role);
    const invitation = { email: "next@example.com", role: "viewer", organizationId: orgId };
    const invites = await person.post(`${ORG}/invite-member`, invitation);
    assert.equal(invites.status, role === "admin" ? 200 : 403, role);
    const raised = await person.post(`${ORG}/invite-member`, {
      ...invitation,
      email: "x@example.com",
      role: "owner",
    });
    assert.equal(raised.status, 403, role);
    const renamed = await person.post(`${ORG}/update`, { organizationId: orgId, data: { name: role } });
    assert.equal(renamed.status, role === "admin" ? 200 : 403, role);
    const { rows } = await query(
      control.databaseUrl,
      `SELECT "id" FROM auth.member WHERE "role" = 'owner' AND "organizationId" = $1`,
      [orgId],
    );
    const removed = await person.post(`${ORG}/remove-member`, {
      memberIdOrEmail: rows[0].id,
      organizationId: orgId,
    });
    assert.ok(removed.status >= 400, `${role} removes no owner`);
    const lowered = await person.post(`${ORG}/update-member-role`, {
      memberId: rows[0].id,
      role: "viewer",
      organizationId: orgId,
    });
    assert.ok(lowered.status >= 400, `${role} lowers no owner`);
  }
  const left = await owner.post(`${ORG}/leave`, { organizationId: orgId });
  assert.equal(left.status, 400, "the last owner stays");
});

test("who is no member sees and changes nothing of an organisation", async (t) => {
  const { owner, orgId, control } = await startWithTeam(t);
  await owner.post(`${ORG}/invite-member`, {
    email: "bob@example.com",
    role: "owner",
    organizationId: orgId,
  });
  const eve = newPerson(control.url);
  await eve.signIn("eve@example.com");
  const at = `?organizationId=${orgId}`;
  for (const path of [`/get-full-organization${at}`, `/list-members${at}`, `/list-invitations${at}`]) {
    const answer = await eve.get(ORG + path);
    assert.ok(answer.status >= 400, path);
    assert.doesNotMatch(answer.text, /ada@example|Team/);
  }
  assert.ok((await eve.post(`${ORG}/set-active`, { organizationId: orgId })).status >= 400);
  assert.ok(
    (await eve.post(`${ORG}/update`, { organizationId: orgId, data: { name: "Eve's" } })).status >= 400,
  );
  const { json } = await eve.get("/api/auth/get-session");
  assert.notEqual(json.session.activeOrganizationId, orgId);
});

test("a personal organisation invites nobody", async (t) => {
  const { owner } = await startWithTeam(t);
  const { json } = await owner.get(`${ORG}/list`);
  const personal = json.find((org: { personal: boolean }) => org.personal);
  const invitation = { email: "bob@example.com", role: "member", organizationId: personal.id };
  const answer = await owner.post(`${ORG}/invite-member`, invitation);
  assert.deepEqual([answer.status, answer.json.code], [403, "personal_organization"]);
});

async function startWithTeam(t: TestContext) {
  const control = await startHarness(t);
  const owner = newPerson(control.url);
  await owner.signIn("ada@example.com");
  const { json } = await owner.post(`${ORG}/create`, { name: "Team", slug: "team" });
  return { control, owner, orgId: json.id };
}

async function join(owner: Person, orgId: string, url: string, role: string): Promise<Person> {
  const email = `${role}@example.com`;
  const { json } = await owner.post(`${ORG}/invite-member`, { email, role, organizationId: orgId });
  const person = newPerson(url);
  await person.signIn(email);
  assert.equal((await person.post(`${ORG}/accept-invitation`, { invitationId: json.id })).status, 200);
  return person;
}
