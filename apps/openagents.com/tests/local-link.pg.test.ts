import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness } from "./harness.ts";
import { newPerson } from "./person.ts";
import { everyRow } from "./rows.ts";

const OWNER = { userId: "usr_local_0a1b", orgId: "org_local0a1b" };

test("the owner of a laptop signs in by its link, once, within ten minutes", async (t) => {
  const clock = manualClock(Date.now());
  const control = await startHarness(t, { config: { localOwner: OWNER }, nowMs: clock.nowMs });
  const { url, expiresAtMs } = await control.createLocalLink();
  assert.equal(expiresAtMs, Math.round(clock.nowMs()) + 600_000);
  const { pathname, search, hostname, searchParams } = new URL(url);
  assert.equal(hostname, "localhost", "passkeys refuse bare addresses");
  assert.ok(!(await everyRow(control.databaseUrl)).includes(searchParams.get("token") ?? "-"));

  const people = Array.from({ length: 6 }, () => newPerson(control.url));
  const arrivals = await Promise.all(people.map((person) => person.get(pathname + search)));
  const [inside] = people.filter((_person, index) => arrivals[index]?.status === 303);
  assert.equal(arrivals.filter(({ status }) => status === 303).length, 1);
  assert.equal(arrivals.filter(({ status }) => status === 403).length, 5);
  const { json } = (await inside?.get("/api/auth/get-session")) ?? {};
  assert.deepEqual(
    [json.user.id, json.session.activeOrganizationId, json.session.methods],
    [OWNER.userId, OWNER.orgId, "link"],
  );

  const late = new URL((await control.createLocalLink()).url);
  clock.advance(600_000);
  assert.equal((await newPerson(control.url).get(late.pathname + late.search)).json.code, "link_invalid");
});

test("the owner is the same after a restart", async (t) => {
  const control = await startHarness(t, { config: { localOwner: OWNER } });
  await control.stop();
  const again = await startHarness(t, { config: { localOwner: OWNER }, databaseUrl: control.databaseUrl });
  const { pathname, search } = new URL((await again.createLocalLink()).url);
  const person = newPerson(again.url);
  assert.equal((await person.get(pathname + search)).status, 303);
  assert.equal((await person.get("/api/auth/organization/list")).json.length, 1);
});

test("there is neither link nor inbox where a service is not one of development on loopback", async (t) => {
  for (const config of [{ development: false }, { host: "0.0.0.0" }]) {
    const control = await startHarness(t, { config: { localOwner: OWNER, ...config } });
    await assert.rejects(control.createLocalLink(), /development on loopback/);
    const person = newPerson(control.url.replace("0.0.0.0", "127.0.0.1"));
    const page = await person.get("/sign-in/local?token=abc");
    assert.equal(page.headers.getSetCookie().length, 0);
    assert.doesNotMatch((await person.get("/dev/mail")).text, /Development inbox/);
  }
});
