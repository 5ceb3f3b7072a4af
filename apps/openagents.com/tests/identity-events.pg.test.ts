// What the identity tells the rest of the service: who did what, and whose
// tokens must stop.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { MIGRATIONS, type AuditEntry } from "@openagents/control";
import { connect } from "@openagents/postgres";
import { silentLogger } from "@openagents/service";
import { testDatabase } from "@openagents/testing";
import Fastify from "fastify";
import { createIdentity } from "../src/identity/index.ts";
import { createMailer } from "../src/mail/index.ts";
import { newPerson } from "./person.ts";

const ORG = "/api/auth/organization";

test("every change is written down with who made it, from where, and no secret", async (t) => {
  const { url, entries } = await startIdentity(t);
  const person = newPerson(url);
  const { json } = await person.signIn("ada@example.com");
  const userId: string = json.user.id;
  const org = await person.post(`${ORG}/create`, { name: "Team", slug: "team" });
  const invitation = { email: "bob@example.com", role: "member", organizationId: org.json.id };
  const invited = await person.post(`${ORG}/invite-member`, invitation);
  await person.post("/api/auth/sign-out", {});
  assert.deepEqual(
    entries.map(({ action, actorId, subjectId, orgId, address }) => [
      action,
      actorId,
      subjectId,
      orgId,
      address,
    ]),
    [
      ["user.created", userId, userId, undefined, "127.0.0.1"],
      ["session.created", userId, entries[1]?.subjectId, undefined, "127.0.0.1"],
      ["organization.created", userId, org.json.id, org.json.id, "127.0.0.1"],
      ["invitation.made", userId, invited.json.id, org.json.id, "127.0.0.1"],
      ["session.ended", userId, entries[1]?.subjectId, undefined, "127.0.0.1"],
    ],
  );
  assert.doesNotMatch(JSON.stringify(entries), /ada@example|bob@example/);
});

test("the end of a session is told however it ends, and before it is done", async (t) => {
  const { url, ended, failNext } = await startIdentity(t);
  const person = newPerson(url);
  await person.signIn("ada@example.com");
  await person.post("/api/auth/sign-out", {});
  await person.signIn("ada@example.com");
  const other = newPerson(url);
  await other.signIn("ada@example.com");
  const listed = (await person.get("/api/auth/sessions")).json.sessions;
  const ids = listed.map((each: { session_id: string }) => each.session_id);
  await person.post("/api/auth/sessions/revoke", { session_id: ids[0] });
  assert.equal(ended.length, 2);
  failNext();
  assert.equal((await person.post("/api/auth/sign-out-everywhere", {})).status, 500);
  assert.equal((await person.get("/api/auth/sessions")).status, 200, "what was not told was not done");
  assert.equal((await person.post("/api/auth/sign-out-everywhere", {})).status, 200);
  assert.deepEqual(ended.slice(1), ids);
});

test("who gets another role, is removed, or leaves is told of; who joins is not", async (t) => {
  const { url, changed } = await startIdentity(t);
  const owner = newPerson(url);
  await owner.signIn("ada@example.com");
  const { json: org } = await owner.post(`${ORG}/create`, { name: "Team", slug: "team" });
  const organizationId = org.id;
  const members = [];
  for (const email of ["bob@example.com", "eve@example.com"]) {
    const { json: invitation } = await owner.post(`${ORG}/invite-member`, {
      email,
      role: "member",
      organizationId,
    });
    const person = newPerson(url);
    await person.signIn(email);
    const { json } = await person.post(`${ORG}/accept-invitation`, { invitationId: invitation.id });
    members.push({ person, memberId: json.member.id, userId: json.member.userId });
  }
  const [bob, eve] = members;
  assert.ok(bob && eve);
  assert.deepEqual(changed, []);
  await owner.post(`${ORG}/update-member-role`, { memberId: bob.memberId, role: "viewer", organizationId });
  await owner.post(`${ORG}/remove-member`, { memberIdOrEmail: bob.memberId, organizationId });
  await eve.person.post(`${ORG}/leave`, { organizationId });
  assert.deepEqual(changed, [
    { userId: bob.userId, orgId: organizationId },
    { userId: bob.userId, orgId: organizationId },
    { userId: eve.userId, orgId: organizationId },
  ]);
});

/** An identity alone, whose listeners are the test's. */
async function startIdentity(t: TestContext) {
  const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const db = connect({ url: databaseUrl, applicationName: "identity_test" });
  const entries: AuditEntry[] = [];
  const ended: string[] = [];
  const changed: object[] = [];
  let failing = false;
  const log = silentLogger();
  let publicUrl = "";
  const identity = createIdentity({
    config: {
      host: "127.0.0.1",
      databaseUrl,
      authSecret: "0123456789abcdef".repeat(4),
      trustedProxies: [],
      development: true,
    },
    publicUrl: () => publicUrl,
    db,
    mail: createMailer({ kind: "development" }, { nowMs: Date.now, log }),
    audit: { record: async (entry) => void entries.push(entry) },
    events: {
      async sessionEnded({ sessionId }) {
        if (failing) {
          failing = false;
          throw new Error("the revocation was not written");
        }
        ended.push(sessionId);
      },
      membershipChanged: async (change) => void changed.push(change),
    },
    log,
    nowMs: Date.now,
  });
  const app = Fastify({ forceCloseConnections: true });
  identity.register(app);
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  publicUrl = `http://localhost:${new URL(url).port}`;
  await identity.start();
  t.after(async () => {
    await app.close();
    await identity[Symbol.asyncDispose]();
    await db.close();
  });
  return { url, entries, ended, changed, failNext: () => void (failing = true) };
}
