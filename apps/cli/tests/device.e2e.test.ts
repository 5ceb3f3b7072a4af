// A device and a conversation with it, as a person has them: two terminals on one stack.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freshHome, type Home } from "./openagents.ts";

async function homeWithStack(t: TestContext): Promise<Home> {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  return home;
}

function recording(home: Home): string {
  const file = join(home.folder, "answers.json");
  writeFileSync(
    file,
    JSON.stringify({ version: 1, steps: [{ say: "I am a recording." }, { say: "That is all." }] }),
  );
  return file;
}

test("a device is let in once, takes a message, answers it, goes on after kill -9, and is disabled and enabled", async (t) => {
  const home = await homeWithStack(t);
  const args = ["device", "run", "--agent", `script:${recording(home)}`];
  const first = home.start(args);
  t.after(() => first.child.kill("SIGKILL"));
  const [, deviceId = ""] = await first.waitFor(
    /device (dev_[0-9a-f]{32}), let in just now; agent: scripted/,
  );
  await first.waitFor(/ready as cwk_/);
  const key = join(home.folder, "devices", "device", "device-key.json");
  assert.equal(statSync(key).mode & 0o777, 0o600);

  const said = await home.run(["chat", "who are you?"]);
  assert.equal(said.code, 0, said.err);
  assert.match(said.out, /I am a recording\.\nThat is all\.\n/);
  const [, thread = ""] = /(thr_[0-9a-f]{32})/.exec(said.err) ?? [];

  const receipt = await useKey(home);

  // The stack starts again on other ports; the device finds it, and what was said meanwhile.
  assert.equal((await home.run(["down"])).code, 0);
  assert.equal((await home.run(["receipts", "verify", receipt])).code, 0, "proven offline");
  assert.equal((await home.run(["up", "--detach", "--port-base", "0"])).code, 0);
  const after = await home.run(["chat", "--thread", thread, "still there?"]);
  assert.match(after.out, /I am a recording\./, after.err);

  const twice = await home.run(args);
  assert.match(twice.err, /runs already/);

  first.child.kill("SIGKILL");
  await once(first.child, "exit");
  const waiting = home.start(["chat", "--thread", thread, "--json", "again"]);
  const second = home.start(args);
  t.after(() => second.child.kill("SIGKILL"));
  await second.waitFor(new RegExp(`device ${deviceId}; agent`));
  assert.equal((await waiting.ended).code, 0);

  const listed = JSON.parse((await home.run(["device", "ls", "--json"])).out);
  assert.deepEqual(
    listed.devices.map((each: { device_id: string; status: string }) => [each.device_id, each.status]),
    [[deviceId, "enrolled"]],
  );
  assert.equal((await home.run(["device", "disable", deviceId])).code, 0);
  assert.equal((await second.ended).code, 1);
  assert.equal((await home.run(args)).code, 1);
  assert.equal((await home.run(["device", "enable", deviceId])).code, 0);
  const third = home.start(args);
  await third.waitFor(/ready as cwk_/);
  third.child.kill("SIGTERM");
  assert.equal((await third.ended).code, 0);
  assert.deepEqual(readdirSync(join(home.folder, "devices")), ["device"]);
});

/** A key is shown once, works while it is not revoked, and leaves a receipt: its file. */
async function useKey(home: Home): Promise<string> {
  const made = await home.run(["keys", "create", "ci", "--scope", "runs:read", "--expires", "2099-01-01"]);
  assert.equal(made.code, 0, made.err);
  const secret = made.out.trim();
  const [keyId = ""] = /key_[0-9a-z_]+/.exec(made.err) ?? [];
  const { control_url: url } = JSON.parse((await home.run(["status", "--json"])).out);
  const exchange = () =>
    fetch(`${url}/api/auth/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ grant_type: "api_key", api_key: secret }),
    });
  assert.equal(((await (await exchange()).json()) as { scope: string }).scope, "runs:read");
  const revoked = JSON.parse((await home.run(["keys", "revoke", keyId, "--json"])).out);
  assert.equal((await exchange()).status, 401);
  const listed = await home.run(["keys", "ls"]);
  assert.match(listed.out, new RegExp(`${keyId} .*revoked`));
  assert.ok(!listed.out.includes(secret));
  const file = join(home.folder, "receipt.json");
  writeFileSync(file, (await home.run(["receipts", "get", revoked.receipt_id])).out);
  return file;
}
