// A device of a test: it makes a worker and does by hand what `openagents device run` does.

import type { Answer, Harness } from "./harness.ts";

export type TestDevice = {
  readonly workerId: string;
  readonly token: string;
  claim(options?: { session?: string; holding?: readonly string[]; waitMs?: number }): Promise<Answer>;
  tell(events: readonly object[], key?: string): Promise<Answer>;
  answer(requestId: string, answer: object, key?: string): Promise<Answer>;
};

export const SESSION = "session_one";

/** `findDeviceOwner` of harnesses whose devices are the person's after whom they are named: `dev_owner_1`. */
export async function ownerByName(_q: unknown, _org: string, deviceId: string): Promise<string | undefined> {
  const [, owner] = /^dev_([a-z]+)_[a-z0-9]+$/.exec(deviceId) ?? [];
  return owner === undefined ? undefined : `usr_${owner}`;
}

export async function openDevice(
  control: Harness,
  deviceId = "dev_owner_1",
  name = "desk",
): Promise<TestDevice> {
  const token = await control.token({ sub: deviceId });
  const made = await control.post("/api/runtime/codex/workers", { name, adapter: "scripted" }, { token });
  if (made.status !== 201) throw new Error(made.text);
  const workerId: string = made.json.worker.worker_id;
  const path = `/api/runtime/codex/workers/${workerId}`;
  return {
    workerId,
    token,
    claim: ({ session = SESSION, holding = [], waitMs = 0 } = {}) =>
      control.post(`${path}/claims`, { session_id: session, holding, wait_ms: waitMs }, { token }),
    tell: (events, key = crypto.randomUUID()) => control.post(`${path}/events`, { events }, { token, key }),
    answer: (requestId, answer, key = crypto.randomUUID()) =>
      control.post(`${path}/requests/${requestId}/answer`, answer, { token, key }),
  };
}
