// What tests of rights share: a person signed in with an access token, and a device with its key.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { Answer, Harness } from "./harness.ts";
import { newPerson, type Person } from "./person.ts";

export type SignedIn = {
  readonly person: Person;
  readonly userId: string;
  readonly org: string;
  /** A fresh access token, by cookie. */
  readonly token: (org?: string) => Promise<string>;
};

export async function signIn(control: Harness, email: string): Promise<SignedIn> {
  const person = newPerson(control.url);
  await person.signIn(email);
  const token = async (org?: string) => {
    const answer = await person.post("/api/auth/token", {
      grant_type: "session",
      ...(org === undefined ? {} : { org }),
    });
    assert.equal(answer.status, 200, answer.text);
    return String(answer.json.access_token);
  };
  const me = await control.get("/api/me", { token: await token() });
  return { person, userId: me.json.person.user_id, org: me.json.org_id, token };
}

/** POST to the token endpoint without a browser. */
export function grant(
  control: Harness,
  body: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return control.post("/api/auth/token", body, { token: "", headers });
}

export type TestDevice = { readonly publicKey: string; readonly privateKey: KeyObject };

export function newDevice(): TestDevice {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return { publicKey: raw.toString("hex"), privateKey };
}

export function signChallenge({ privateKey }: TestDevice, challenge: string): string {
  return sign(null, Buffer.from(`openagents.device.v1:${challenge}`), privateKey).toString("hex");
}

/** Enrol it; answers its id. */
export async function enroll(
  control: Harness,
  device: TestDevice,
  token: string,
  name = "laptop",
): Promise<string> {
  const sent = { ...(await enrolment(control, device, token)), name };
  const answer = await control.post("/api/devices", sent, { token });
  assert.equal(answer.status, 201, answer.text);
  return String(answer.json.device.device_id);
}

export async function enrolment(control: Harness, device: TestDevice, token: string) {
  const { publicKey } = device;
  const asked = await control.post("/api/devices/challenges", { public_key: publicKey }, { token });
  assert.equal(asked.status, 200, asked.text);
  const { challenge } = asked.json;
  return {
    public_key: publicKey,
    challenge,
    signature: signChallenge(device, challenge),
    name: "laptop",
    platform: "linux-x64",
  };
}

/** What a device sends for a token. */
export async function deviceGrant(control: Harness, device: TestDevice): Promise<Record<string, string>> {
  const { publicKey } = device;
  const asked = await control.post("/api/auth/token/challenge", { public_key: publicKey }, { token: "" });
  assert.equal(asked.status, 200, asked.text);
  const { challenge } = asked.json;
  const signature = signChallenge(device, challenge);
  return { grant_type: "device", public_key: publicKey, challenge, signature };
}

export async function deviceToken(control: Harness, device: TestDevice): Promise<string> {
  const answer = await grant(control, await deviceGrant(control, device));
  assert.equal(answer.status, 200, answer.text);
  return String(answer.json.access_token);
}
