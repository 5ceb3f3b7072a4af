// Handles, public notes and private messages: whose they are, and who sees them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@openagents/postgres";
import { startHarness, type Harness } from "./harness.ts";

test("a handle is one person's, and never another's again", async (t) => {
  const control = await startHarness(t);
  const [ann, bob] = [await tokenOf(control, "usr_ann"), await tokenOf(control, "usr_bob")];
  const before = await control.get("/api/settings/profile", { token: ann });
  assert.deepEqual(before.json.profile, { user_id: "usr_ann", display_name: "", bio: "" });
  assert.equal((await choose(control, ann, { handle: "ann" })).json.profile.handle, "ann");
  assert.equal((await choose(control, bob, { handle: "ann" })).json.reason, "handle_taken");
  assert.equal((await choose(control, ann, { handle: "ann-2", display_name: "Ann" })).status, 200);
  assert.equal((await choose(control, bob, { handle: "ann" })).json.reason, "handle_taken");
  // Back to the first, which is still hers; what is not given stays.
  const back = await choose(control, ann, { handle: "ann" });
  assert.deepEqual([back.json.profile.handle, back.json.profile.display_name], ["ann", "Ann"]);
  assert.equal((await choose(control, bob, { handle: "admin" })).json.reason, "handle_reserved");
});

test("of eight persons who want one handle one has it", async (t) => {
  const control = await startHarness(t);
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, index) =>
      choose(control, await tokenOf(control, `usr_${index}`), { handle: "wanted" }),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const refused = answers.filter(({ json }) => json.reason === "handle_taken");
  assert.equal(refused.length, 7);
});

test("two who want each other's handle at once both get an answer", async (t) => {
  const control = await startHarness(t);
  const ann = await person(control, "ann");
  const bob = await person(control, "bob");
  const answers = await Promise.all([
    choose(control, ann, { handle: "bob" }),
    choose(control, bob, { handle: "ann" }),
  ]);
  assert.deepEqual(
    answers.map(({ json }) => json.reason),
    ["handle_taken", "handle_taken"],
  );
});

test("an organisation's key is no person", async (t) => {
  const control = await startHarness(t);
  const token = await control.token({ sub: "sa_key", org: "org_a" });
  const answer = await control.post("/api/shouts", { body: "hello" }, { token });
  assert.deepEqual([answer.status, answer.json.code], [403, "no_person"]);
});

test("a note is posted with its author's handle, replayed with the same bytes, and paged newest first", async (t) => {
  const control = await startHarness(t);
  const stranger = await tokenOf(control, "usr_zed");
  assert.equal(
    (await control.post("/api/shouts", { body: "x" }, { token: stranger })).json.reason,
    "profile_needed",
  );
  const ann = await person(control, "ann");
  const bodies = ["one", "two", "three"];
  for (const body of bodies) {
    const posted = await control.post("/api/shouts", { body, zone: "z:1" }, { token: ann, key: body });
    assert.equal(posted.status, 201);
    assert.equal(posted.json.shout.author.handle, "ann");
    const again = await control.post("/api/shouts", { body, zone: "z:1" }, { token: ann, key: body });
    assert.equal(again.text, posted.text);
  }
  const first = await control.get("/api/shouts?limit=2");
  assert.deepEqual(bodiesOf(first), ["three", "two"]);
  const rest = await control.get(`/api/shouts?limit=2&cursor=${first.json.next_cursor}`);
  assert.deepEqual([bodiesOf(rest), rest.json.next_cursor], [["one"], undefined]);
  assert.deepEqual(bodiesOf(await control.get("/api/shouts?zone=z:1")), ["three", "two", "one"]);
  assert.deepEqual(bodiesOf(await control.get("/api/shouts?zone=other")), []);
  assert.deepEqual((await control.get("/api/shouts/zones")).json.zones, [
    { zone: "z:1", shouts_within_day: 3 },
  ]);
});

test("only its author takes a note back, only an operator takes down another's, and its words are gone", async (t) => {
  const control = await startHarness(t);
  const ann = await person(control, "ann");
  const bob = await person(control, "bob");
  const post = async (body: string) =>
    (await control.post("/api/shouts", { body }, { token: ann })).json.shout.shout_id;
  const mine = await post("mine");
  const path = `/api/shouts/${mine}`;
  const takeBack = (token: string) => control.post(`${path}/take-back`, {}, { token });
  assert.equal((await takeBack(bob)).status, 404);
  const deleted = await takeBack(ann);
  assert.equal(deleted.json.shout.body, "");
  assert.equal((await takeBack(ann)).text, deleted.text);
  assert.equal((await control.post(`${path}/remove`, { reason: "r" })).json.reason, "shout_gone");

  const rude = await post("rude");
  const plain = await control.token({ sub: "usr_bob", scopes: ["social:moderate"] });
  const remove = (token?: string) =>
    control.post(`/api/shouts/${rude}/remove`, { reason: "rude" }, token === undefined ? {} : { token });
  assert.equal((await remove(plain)).status, 403);
  const removed = await remove();
  assert.match(removed.json.receipt_id, /^shrm_/);
  const listed = (await control.get("/api/shouts")).json.shouts;
  assert.deepEqual(
    listed.map((shout: { body: string; removed_because?: string }) => [shout.body, shout.removed_because]),
    [
      ["", "rude"],
      ["", undefined],
    ],
  );
});

test("however many come at once, a person says no more than the limit in an hour", async (t) => {
  let nowMs = Date.now();
  const control = await startHarness(t, { nowMs: () => nowMs });
  const ann = await person(control, "ann");
  const answers = await Promise.all(
    Array.from({ length: 70 }, (_, index) =>
      control.post("/api/shouts", { body: `${index}` }, { token: ann }),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 60);
  const over = answers.filter(({ status }) => status === 429);
  assert.ok(over.every(({ json, headers }) => json.code === "too_many_shouts" && headers.has("retry-after")));
  nowMs += 3_600_001;
  const later = await control.token({ sub: "usr_ann" });
  const post = () => control.post("/api/shouts", { body: "later" }, { token: later });
  let answer = await post();
  // The clock has leapt: commands go on once it is known again which tokens were taken back.
  while (answer.status === 503) answer = await post();
  assert.equal(answer.status, 201);
});

test("a whisper is between two: nobody else learns that there is one", async (t) => {
  const control = await startHarness(t);
  const [ann, bob, eve] = [
    await person(control, "ann"),
    await person(control, "bob"),
    await person(control, "eve"),
  ];
  const send = (token: string, to: string, body = "psst", key?: string) =>
    control.post("/api/whispers", { to, body }, { token, ...(key === undefined ? {} : { key }) });
  const sent = await send(ann, "@bob", "psst", "k");
  assert.equal(sent.status, 201);
  assert.deepEqual(
    [sent.json.whisper.sender.handle, sent.json.whisper.recipient.user_id],
    ["ann", "usr_bob"],
  );
  assert.equal((await send(ann, "@bob", "psst", "k")).text, sent.text);
  assert.equal((await send(ann, "@nobody")).status, 404);
  assert.equal((await send(ann, "usr_ann")).json.reason, "to_oneself");
  assert.equal((await send(await tokenOf(control, "usr_zed"), "@ann")).json.reason, "profile_needed");

  const { whisper_id: id } = sent.json.whisper;
  const list = async (token: string, query = "") =>
    (await control.get(`/api/whispers${query}`, { token })).json.whispers.map(
      (whisper: { whisper_id: string }) => whisper.whisper_id,
    );
  assert.deepEqual([await list(ann), await list(bob), await list(eve)], [[id], [id], []]);
  assert.deepEqual([await list(ann, "?with=@bob"), await list(ann, "?with=usr_eve")], [[id], []]);

  const read = (token: string) => control.send("PATCH", `/api/whispers/${id}/read`, {}, { token });
  assert.deepEqual([(await read(ann)).status, (await read(eve)).status], [404, 404]);
  const first = await read(bob);
  assert.ok(first.json.whisper.read_at);
  assert.equal((await read(bob)).json.whisper.read_at, first.json.whisper.read_at);

  const remove = (token: string) => control.send("DELETE", `/api/whispers/${id}`, undefined, { token });
  assert.equal((await remove(eve)).status, 404);
  assert.equal((await remove(ann)).status, 200);
  assert.deepEqual([await list(ann), await list(bob)], [[], [id]]);
  assert.equal((await remove(bob)).status, 200);
  assert.equal((await read(bob)).status, 404);
});

test("both take a whisper out of their list at once, and its words are nowhere", async (t) => {
  const control = await startHarness(t);
  const [ann, bob] = [await person(control, "ann"), await person(control, "bob")];
  for (let round = 0; round < 5; round += 1) {
    const sent = await control.post("/api/whispers", { to: "@bob", body: `secret ${round}` }, { token: ann });
    const path = `/api/whispers/${sent.json.whisper.whisper_id}`;
    const answers = await Promise.all(
      [ann, bob].map((token) => control.send("DELETE", path, undefined, { token })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
  }
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  const rows = await db.query<{ left: number }>({
    name: "",
    text: "SELECT count(*)::integer AS left FROM control.whispers",
  });
  await db.close();
  assert.equal(rows[0]?.left, 0);
});

function tokenOf(control: Harness, sub: string): Promise<string> {
  return control.token({ sub });
}

function choose(control: Harness, token: string, profile: object) {
  return control.send("PATCH", "/api/settings/profile", profile, { token });
}

async function person(control: Harness, handle: string): Promise<string> {
  const token = await tokenOf(control, `usr_${handle}`);
  assert.equal((await choose(control, token, { handle })).status, 200);
  return token;
}

function bodiesOf({
  json,
}: {
  readonly json: { readonly shouts: readonly { readonly body: string }[] };
}): string[] {
  return json.shouts.map(({ body }) => body);
}
