import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  ControlReceipts,
  Devices,
  ProblemError,
  Runs,
  Workers,
  createClient,
  encode,
  signedReceiptDesc,
} from "@openagents/contracts";
import { checkInclusion, verifyReceipt } from "@openagents/receipts";
import { silentLogger } from "@openagents/service";
import { listLogPins, listPins } from "./pins.ts";
import { startStack } from "./stack.ts";

test("a device that is disabled works on nothing more: its tokens end, its workers get no jobs, its runs are called off", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oa-stack-"));
  const stack = await startStack({
    dataDir: join(folder, "stack"),
    home: folder,
    portBase: 0,
    databaseUrl: process.env["OPENAGENTS_TEST_POSTGRES"],
    version: "test",
    log: silentLogger(),
  });
  t.after(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const { controlUrl, runtimeUrl } = stack.record;
  const owner = createClient(Devices, { baseUrl: controlUrl, token: () => stack.mintToken() });
  const device = newKey();
  const { publicKey } = device;
  const { challenge } = await owner.createDeviceChallenge({ publicKey });
  const enrolled = await owner.enrollDevice({
    publicKey,
    challenge,
    signature: device.sign(challenge),
    name: "laptop",
    platform: "test",
  });
  const { deviceId } = enrolled.device;

  const token = await tokenOf(controlUrl, device);
  const asDevice = { baseUrl: runtimeUrl, token, attemptsMax: 1 };
  const { worker } = await createClient(Workers, asDevice).registerWorker({
    displayName: "a device's",
    roles: ["provider"],
    capabilities: ["oa.sandbox_run.v1"],
    priceMsats: 1_000n,
    caps: { memoryMibMax: 1024, diskMibMax: 1024, wallMsMax: 60_000n, concurrentJobsMax: 1 },
    toolchains: [],
    priceBands: [],
  });
  const { run } = await createClient(Runs, asDevice).createRun({
    issue: { title: "of a device", body: "" },
    metadata: {},
  });

  const { receiptId } = await owner.disableDevice({ deviceId });
  const asOwner = { baseUrl: runtimeUrl, token: () => stack.mintToken() };
  const runs = createClient(Runs, asOwner);
  const workers = createClient(Workers, asOwner);
  const hasEnded = async () =>
    // Nobody is left who could say that it has ended, so control says it.
    (await runs.getRun({ runId: run.runId })).run.status === "canceled" &&
    (await workers.getWorker({ workerId: worker.workerId })).worker.status === "disabled";
  while (!(await hasEnded())) await pause(20);

  await assert.rejects(
    createClient(Runs, asDevice).createRun({ issue: { title: "again", body: "" }, metadata: {} }),
    (error) => error instanceof ProblemError && error.code === "token_revoked",
  );
  await assert.rejects(tokenOf(controlUrl, device), /device_disabled/);

  // Control's receipt of it stands in the one log, which the keys that are pinned here prove.
  const receipts = createClient(ControlReceipts, { baseUrl: controlUrl, token: () => stack.mintToken() });
  const signed = encode(signedReceiptDesc, await receipts.getControlReceipt({ receiptId }));
  const keys = (pins: readonly { readonly publicKey: string }[]) => pins.map(({ publicKey }) => publicKey);
  for (const [name, check] of Object.entries(verifyReceipt(signed, { operatorKeys: keys(listPins(folder)) })))
    assert.equal(check.state, "holds", name);
  assert.equal(checkInclusion(signed, keys(listLogPins(folder))).state, "holds");
});

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    publicKey: publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex"),
    sign: (challenge: string) =>
      sign(null, Buffer.from(`openagents.device.v1:${challenge}`), privateKey).toString("hex"),
  };
}

async function tokenOf(controlUrl: string, device: ReturnType<typeof newKey>): Promise<string> {
  const ask = async (path: string, body: object) => {
    const response = await fetch(controlUrl + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return JSON.parse(text);
  };
  const { publicKey } = device;
  const { challenge } = await ask("/api/auth/token/challenge", { public_key: publicKey });
  const granted = await ask("/api/auth/token", {
    grant_type: "device",
    public_key: publicKey,
    challenge,
    signature: device.sign(challenge),
  });
  return granted.access_token;
}
