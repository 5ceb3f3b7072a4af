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

test("every change is written down with who made it, from where, and no secret", async (t) => {
  const { url, entries } = await startIdentity(t);
  const person = newPerson(url);
  const { json } = await person.signIn("ada@example.com");
  const userId: string = json.user.id;
  await person.post("/api/auth/update-user", { name: "Ada" });
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
      ["user.renamed", userId, userId, undefined, "127.0.0.1"],
      ["session.ended", userId, entries[1]?.subjectId, undefined, "127.0.0.1"],
    ],
  );
  assert.doesNotMatch(JSON.stringify(entries), /ada@example/);
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

/** An identity alone, whose listeners are the test's. */
async function startIdentity(t: TestContext) {
  const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const db = connect({ url: databaseUrl, applicationName: "identity_test" });
  const entries: AuditEntry[] = [];
  const ended: string[] = [];
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
      version: "0.0.0",
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
  return { url, entries, ended, failNext: () => void (failing = true) };
}
