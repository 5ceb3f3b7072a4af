import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import {
  deviceGrant,
  deviceToken,
  enroll,
  enrolment,
  grant,
  newDevice,
  signChallenge,
  signIn,
} from "./access.ts";
import { startHarness } from "./harness.ts";

test("a device that shows its key gets tokens of its own, for its owner's organisation", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const device = newDevice();
  const deviceId = await enroll(control, device, await owner.token());
  const claims = decodeJwt(await deviceToken(control, device));
  assert.equal(claims.sub, deviceId);
  assert.equal(claims["org"], owner.org);
  assert.equal(claims["account"], owner.org);
  assert.equal(claims["zone"], "0.5");
  assert.ok(!(claims["scopes"] as string[]).includes("tokens:write"));
  assert.equal(claims["auth_time"], undefined);
});

test("a challenge is answered once, by its key, for its purpose, in its time", async (t) => {
  let nowMs = Date.now();
  const control = await startHarness(t, { nowMs: () => nowMs });
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const device = newDevice();
  const body = await enrolment(control, device, token);
  const reasonOf = async (changes: object) => {
    const answer = await control.post("/api/devices", { ...body, ...changes }, { token });
    return `${answer.status} ${answer.json.reason ?? "-"}`;
  };
  const other = newDevice();
  assert.equal(await reasonOf({ public_key: other.publicKey }), "403 challenge_invalid");
  assert.equal(await reasonOf({ challenge: `${body.challenge}x` }), "403 challenge_invalid");
  assert.equal(await reasonOf({ signature: signChallenge(other, body.challenge) }), "403 signature_invalid");
  // One that another person asked for, and one that is for a token.
  const stranger = await signIn(control, "stranger@example.org");
  const theirs = await enrolment(control, device, await stranger.token());
  assert.equal(await reasonOf(theirs), "403 challenge_invalid");
  const { challenge = "", signature = "" } = await deviceGrant(control, device);
  assert.equal(await reasonOf({ challenge, signature }), "403 challenge_invalid");

  nowMs += 5 * 60_000;
  assert.equal(await reasonOf({}), "403 challenge_expired");
  const fresh = await enrolment(control, device, token);
  assert.equal(await reasonOf(fresh), "201 -");
  assert.equal(await reasonOf(fresh), "403 challenge_used");
  assert.equal(await reasonOf(await enrolment(control, device, token)), "409 device_enrolled");
});

test("of eight that answer one challenge for a token one gets it", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const device = newDevice();
  await enroll(control, device, await owner.token());
  const body = await deviceGrant(control, device);
  const answers = await Promise.all(Array.from({ length: 8 }, () => grant(control, body)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  for (const { status, json } of answers) if (status !== 200) assert.equal(json.code, "challenge_used");
});

test("disabling a device ends its tokens at once and leaves the others; enabled, it comes in again", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const [one, two] = [newDevice(), newDevice()];
  const oneId = await enroll(control, one, token);
  await enroll(control, two, token);
  const [oneToken, twoToken] = [await deviceToken(control, one), await deviceToken(control, two)];
  assert.equal((await control.get("/api/me", { token: oneToken })).json.kind, "device");

  const disabled = await control.post(`/api/devices/${oneId}/disable`, {}, { token });
  assert.equal(disabled.json.device.status, "disabled");
  assert.equal((await control.get("/api/me", { token: oneToken })).json.code, "token_revoked");
  assert.equal((await control.get("/api/me", { token: twoToken })).status, 200);
  assert.equal((await grant(control, await deviceGrant(control, one))).json.code, "device_disabled");

  assert.equal((await control.post(`/api/devices/${oneId}/enable`, {}, { token })).status, 200);
  assert.equal((await control.get("/api/me", { token: await deviceToken(control, one) })).status, 200);
  assert.equal((await control.get("/api/me", { token: oneToken })).json.code, "token_revoked");

  assert.equal((await control.post(`/api/devices/${oneId}/revoke`, {}, { token })).status, 200);
  const again = await control.post("/api/devices", await enrolment(control, one, token), { token });
  assert.equal(again.json.reason, "device_revoked");
  const enabled = await control.post(`/api/devices/${oneId}/enable`, {}, { token });
  assert.equal(enabled.json.reason, "device_revoked");
});

test("no token that a device got while it was being disabled is good afterwards", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const device = newDevice();
  const deviceId = await enroll(control, device, token);
  const bodies = await Promise.all(Array.from({ length: 12 }, () => deviceGrant(control, device)));
  const [disabled, ...answers] = await Promise.all([
    control.post(`/api/devices/${deviceId}/disable`, {}, { token }),
    ...bodies.map((body) => grant(control, body)),
  ]);
  assert.equal(disabled.status, 200);
  for (const { json } of answers) {
    if (json.access_token === undefined) continue;
    assert.equal((await control.get("/api/me", { token: json.access_token })).json.code, "token_revoked");
  }
});

test("another organisation's device is not there, for whoever guesses its id", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const deviceId = await enroll(control, newDevice(), await owner.token());
  const stranger = await signIn(control, "stranger@example.org");
  const token = await stranger.token();
  assert.equal((await control.get(`/api/devices/${deviceId}`, { token })).status, 404);
  for (const verb of ["disable", "enable", "revoke"])
    assert.equal((await control.post(`/api/devices/${deviceId}/${verb}`, {}, { token })).status, 404);
  assert.deepEqual((await control.get("/api/devices", { token })).json.devices, []);
  assert.equal((await control.get("/api/devices", { token: await owner.token() })).json.devices.length, 1);
});

test("no device and no key enrols a device", async (t) => {
  const control = await startHarness(t);
  for (const sub of ["dev_laptop", "sa_key", "svc_other"]) {
    const token = await control.token({ sub });
    const body = await enrolment(control, newDevice(), token);
    assert.equal((await control.post("/api/devices", body, { token })).json.code, "person_required");
  }
});

test("a device that is revoked takes nothing more: its workers stop, and what waits for it is answered", async (t) => {
  const control = await startHarness(t);
  const owner = await signIn(control, "owner@example.org");
  const token = await owner.token();
  const device = newDevice();
  const deviceId = await enroll(control, device, token);
  const made = await control.post(
    "/api/runtime/codex/workers",
    { name: "desk", adapter: "scripted" },
    { token: await deviceToken(control, device) },
  );
  const { worker_id: workerId } = made.json.worker;
  const { thread_id: thread } = (await control.post("/api/runtime/threads", {}, { token })).json.thread;
  const path = `/api/runtime/threads/${thread}`;
  assert.equal((await control.post(`${path}/messages`, { text: "hello" }, { token })).status, 201);
  assert.equal((await control.post(`/api/devices/${deviceId}/revoke`, {}, { token })).status, 200);
  const workerNow = await control.get(`/api/runtime/codex/workers/${workerId}`, { token });
  assert.equal(workerNow.json.worker.status, "stopped");
  const messageNow = async () => (await control.get(`${path}/messages`, { token })).json.messages[0];
  while ((await messageNow()).status === "sent");
  const failed = await messageNow();
  assert.deepEqual([failed.status, failed.error.code], ["failed", "worker_unavailable"]);
  const next = await control.post(`${path}/messages`, { text: "again" }, { token });
  assert.equal(next.status, 409, next.text);
});
