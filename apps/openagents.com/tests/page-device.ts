// A device for browser tests, enrolled by whoever is signed in on a page, over
// the routes that devices use. Its key is made here and stays here.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import type { Page } from "playwright-core";

export type PageDevice = {
  readonly deviceId: string;
  /** Send a command as the device; its answer. */
  post(path: string, body: object): Promise<Answer>;
  /** Read as the device. */
  get(path: string): Promise<Answer>;
  /** Take the next request that waits for it. */
  claim(): Promise<string>;
  /** Say what the agent does. */
  tell(events: readonly object[]): Promise<void>;
  /** The status of a read by it, for when it may not any more. */
  status(): Promise<number>;
};

// Tests reach into answers by the names of the wire.
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = any;

/** A device without a worker: for a process that opens its own. */
export type PageDeviceKey = { readonly deviceId: string; readonly token: string };

/** Enrol a device, and play its worker by hand. */
export async function enrolDevice(page: Page, name: string): Promise<PageDevice> {
  const { deviceId, token } = await enrolKey(page, name);
  const send = sender(page);
  const { worker } = await send(token, "/api/runtime/codex/workers", { name, adapter: "scripted" });
  const path = `/api/runtime/codex/workers/${worker.worker_id}`;
  const read = (to: string) => page.request.get(to, { headers: { authorization: `Bearer ${token}` } });
  return {
    deviceId,
    post: (to, body) => send(token, to, body),
    get: async (from): Promise<Answer> => (await read(from)).json(),
    async claim() {
      const { call } = await send(token, `${path}/claims`, { session_id: "session_one", wait_ms: 5_000 });
      return call.request_id;
    },
    async tell(events) {
      await send(token, `${path}/events`, { events });
    },
    status: async () => (await read(path)).status(),
  };
}

/** Enrol a key that is made here; its token lives for minutes. */
export async function enrolKey(page: Page, name: string): Promise<PageDeviceKey> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  const key = Buffer.from(x, "base64url").toString("hex");
  const signed = (challenge: string) =>
    sign(null, Buffer.from(`openagents.device.v1:${challenge}`), privateKey).toString("hex");
  const send = sender(page);
  const person = await tokenOf(page);
  const asked = await send(person, "/api/devices/challenges", { public_key: key });
  const { device } = await send(person, "/api/devices", {
    public_key: key,
    challenge: asked.challenge,
    signature: signed(asked.challenge),
    name,
    platform: "test",
  });
  const { challenge } = await send("", "/api/auth/token/challenge", { public_key: key });
  const grant = { grant_type: "device", public_key: key, challenge, signature: signed(challenge) };
  const { access_token: token } = await send("", "/api/auth/token", grant);
  return { deviceId: device.device_id, token };
}

type Send = (token: string, path: string, body: object) => Promise<Answer>;

function sender(page: Page): Send {
  return async (token, path, body) => {
    const bearer = token === "" ? {} : { authorization: `Bearer ${token}` };
    const headers = { ...bearer, "idempotency-key": crypto.randomUUID() };
    const answer = await page.request.post(path, { headers, data: body });
    assert.ok(answer.ok(), `${path}: ${await answer.text()}`);
    return answer.json();
  };
}

/** An access token of whoever is signed in on the page. */
async function tokenOf(page: Page): Promise<string> {
  const asked: Answer = await (await page.request.get("/api/auth/csrf")).json();
  const answer = await page.request.post("/api/auth/token", {
    headers: { "x-csrf-token": asked.csrf_token, origin: new URL(page.url()).origin },
    data: { grant_type: "session" },
  });
  const { access_token: token }: Answer = await answer.json();
  return token;
}
