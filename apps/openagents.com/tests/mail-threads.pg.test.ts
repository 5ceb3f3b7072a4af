// Mail that came: each message once, each thread its person's alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { signIn, type SignedIn } from "./access.ts";
import { startGmailStandIn } from "./gmail-stand-in.ts";
import { startHarness } from "./harness.ts";
import { startMailPerson } from "./mail-person.ts";
import { query } from "./rows.ts";
import { join, leave, makeOrg, remove } from "./team.ts";

test("mail is read into threads, newest first, page by page, and to nobody else", async (t) => {
  const { control, google, device } = await startMailPerson(t);
  const first = google.receive({ from: "Bob <bob@x.example>", subject: "One", text: "first words" });
  google.receive({ from: "eve@x.example", subject: "Two", text: "other words" });
  google.receive({ from: "bob@x.example", subject: "Re: One", text: "later words", threadId: first });
  const refreshed = await control.post("/api/inbox/refresh", {}, { token: device });
  assert.deepEqual([refreshed.json.new_messages, refreshed.json.mailboxes[0].status], [3, "works"]);
  const { threads, next_cursor } = (await control.get("/api/inbox/threads?limit=1")).json;
  assert.deepEqual(
    [threads[0].subject, threads[0].snippet, threads[0].message_count],
    ["One", "later words", 2],
  );
  const second = (await control.get(`/api/inbox/threads?limit=1&cursor=${next_cursor}`)).json;
  assert.deepEqual([second.threads[0].subject, second.next_cursor], ["Two", undefined]);
  const path = `/api/inbox/threads/${threads[0].thread_id}`;
  const page = (await control.get(`${path}?limit=1`, { token: device })).json;
  assert.equal(page.messages[0].body, "later words");
  const rest = (await control.get(`${path}?limit=1&cursor=${page.next_cursor}`)).json;
  assert.deepEqual([rest.messages[0].sender, rest.next_cursor], ["bob@x.example", undefined]);
  for (const claims of [{ sub: "usr_other" }, { org: "org_b" }]) {
    const token = await control.token(claims);
    assert.deepEqual((await control.get("/api/inbox/threads", { token })).json.threads, []);
    assert.equal((await control.get(path, { token })).status, 404);
    assert.equal((await control.post("/api/inbox/refresh", {}, { token })).json.new_messages, 0);
  }
  const key = await control.token({ sub: "sa_1" });
  assert.equal((await control.get("/api/inbox/threads", { token: key })).json.code, "no_person");
});

test("of eight looks at once a message is kept by one, and later looks find nothing new", async (t) => {
  const { control, google } = await startMailPerson(t);
  for (let index = 0; index < 12; index += 1)
    google.receive({ from: "bob@x.example", subject: `${index}`, text: "x" });
  const looks = await Promise.all(Array.from({ length: 8 }, () => control.post("/api/inbox/refresh", {})));
  assert.deepEqual(
    looks.map(({ status }) => status),
    Array<number>(8).fill(200),
  );
  const sum = looks.reduce((total, { json }) => total + json.new_messages, 0);
  assert.equal(sum, 12);
  assert.equal((await control.post("/api/inbox/refresh", {})).json.new_messages, 0);
  const { threads } = (await control.get("/api/inbox/threads")).json;
  assert.deepEqual(
    threads.map(({ message_count }: { message_count: number }) => message_count),
    Array<number>(12).fill(1),
  );
});

test("access tokens are refreshed when they end or are not taken, once for all, and a grant that was taken back is told", async (t) => {
  let nowMs = Date.now();
  const { control, google } = await startMailPerson(t, { nowMs: () => nowMs });
  const refresh = async () => {
    let answer = await control.post("/api/inbox/refresh", {});
    // The clock has leapt: commands go on once it is known again which tokens were taken back.
    while (answer.status === 503) answer = await control.post("/api/inbox/refresh", {});
    return answer.json.mailboxes[0].status;
  };
  google.receive({ from: "bob@x.example", subject: "a", text: "x" });
  await refresh();
  const before = google.refreshes;
  await Promise.all([refresh(), refresh(), refresh()]);
  assert.equal(google.refreshes, before, "a token is kept while it is good");
  google.forgetAccessTokens();
  assert.equal(await refresh(), "works");
  assert.equal(google.refreshes, before + 1, "one that is not taken is replaced");
  nowMs += 3_600_000;
  assert.equal(await refresh(), "works");
  assert.equal(google.refreshes, before + 2, "one that has ended is replaced");
  google.revoked = true;
  google.forgetAccessTokens();
  assert.equal(await refresh(), "refused");
  assert.equal((await control.get("/api/inbox/threads")).json.threads.length, 1, "what was read stays");
});

test("mail is forgotten with its mailbox, and when nothing came to it for long", async (t) => {
  const sweeps: (() => Promise<void>)[] = [];
  let nowMs = Date.now();
  const after = (_ms: number, act: () => Promise<void>) => {
    sweeps.push(act);
    return () => {};
  };
  const { control, google, receive } = await startMailPerson(t, { nowMs: () => nowMs, after });
  await receive();
  const sweep = async () => {
    for (const act of sweeps.splice(0)) await act();
  };
  const count = async () => (await control.get("/api/inbox/threads")).json.threads.length;
  await sweep();
  assert.equal(await count(), 1);
  nowMs += 91 * 86_400_000;
  google.revoked = true;
  await sweep();
  assert.equal(await count(), 0);
});

test("the mailbox of whoever is no member any more is gone, with its secret, and their own elsewhere stays", async (t) => {
  const google = await startGmailStandIn(t);
  const control = await startHarness(t, { config: { google: google.settings } });
  const owner = await signIn(control, "owner@example.org");
  const org = await makeOrg(control, owner);
  for (const [email, part] of [
    ["bob@example.org", (person: SignedIn) => remove(control, owner, org, person.userId)],
    ["eve@example.org", (person: SignedIn) => leave(control, person, org)],
  ] as const) {
    const person = await join(control, owner, org, email, "member");
    for (const token of [await person.token(), await person.token(org)]) {
      const { json } = await control.post("/api/settings/mailboxes/google/authorize", {}, { token });
      const back = google.authorize(json.authorize_url);
      const done = await control.post("/api/settings/mailboxes/google/complete", back, { token });
      assert.equal(done.status, 200, done.text);
    }
    assert.equal((await part(person)).status, 200);
    for (const [table, column] of [
      ["mailboxes", "user_id"],
      ["integrations", "owner"],
    ]) {
      const text = `SELECT org FROM control.${table} WHERE ${column} = $1`;
      const { rows } = await query(control.databaseUrl, text, [person.userId]);
      assert.deepEqual(
        rows.map((row) => row.org),
        [person.org],
        table,
      );
    }
  }
});

test("mailboxes are read without being asked, each in its turn", async (t) => {
  const sweeps: (() => Promise<void>)[] = [];
  const after = (_ms: number, act: () => Promise<void>) => {
    sweeps.push(act);
    return () => {};
  };
  const { control, google } = await startMailPerson(t, { after });
  google.receive({ from: "bob@x.example", subject: "a", text: "x" });
  const sweep = async () => {
    for (const act of sweeps.splice(0)) await act();
  };
  await sweep();
  assert.equal((await control.get("/api/inbox/threads")).json.threads.length, 1);
  google.receive({ from: "bob@x.example", subject: "b", text: "x" });
  await sweep();
  assert.equal((await control.get("/api/inbox/threads")).json.threads.length, 1, "not again at once");
});
