// A device at control: let in once by a person, and from then on by its key alone.

import { Devices, ProblemError, createClient } from "@openagents/contracts";
import type { ControlConnection } from "./control.ts";
import type { DeviceKey } from "./key.ts";

export type DeviceSession = {
  readonly deviceId: string;
  /** That it is in. */
  readonly org: string;
  /** Whether it was let in just now. */
  readonly enrolled: boolean;
  /** A fresh access token. Rejects with `ProblemError`, such as `device_disabled`. */
  token(): Promise<string>;
};

/** Signed before each challenge, as control checks it. */
const DOMAIN = "openagents.device.v1:";

const RENEW_BEFORE_MS = 60_000;

/** Enrols the device where control does not know its key; that takes a token of a person. */
export async function openDeviceSession(
  control: ControlConnection,
  key: DeviceKey,
  name: string,
  nowMs: () => number,
): Promise<DeviceSession> {
  const tokens = tokenSource(control, key, nowMs);
  try {
    await tokens.token();
    return { ...(await tokens.identity()), enrolled: false, token: tokens.token };
  } catch (cause) {
    if (!(cause instanceof ProblemError) || cause.code !== "device_unknown") throw cause;
  }
  const { baseUrl, fetch } = control;
  const devices = createClient(Devices, { baseUrl, fetch, token: control.personToken });
  const { publicKey } = key;
  const { challenge } = await devices.createDeviceChallenge({ publicKey });
  const platform = `${process.platform}-${process.arch}`;
  await devices.enrollDevice({
    publicKey,
    challenge,
    signature: key.sign(DOMAIN + challenge),
    name,
    platform,
  });
  return { ...(await tokens.identity()), enrolled: true, token: tokens.token };
}

function tokenSource(control: ControlConnection, key: DeviceKey, nowMs: () => number) {
  let current: (Granted & { readonly renewAtMs: number }) | undefined;

  async function renew() {
    const { publicKey } = key;
    const asked = await post(control, "/api/auth/token/challenge", { public_key: publicKey });
    const challenge = textOf(asked, "challenge");
    const granted = await post(control, "/api/auth/token", {
      grant_type: "device",
      public_key: publicKey,
      challenge,
      signature: key.sign(DOMAIN + challenge),
    });
    const livesMs = Number(granted["expires_in"]) * 1_000;
    return {
      token: textOf(granted, "access_token"),
      deviceId: textOf(asked, "device_id"),
      org: textOf(granted, "org"),
      renewAtMs: nowMs() + Math.max(livesMs / 2, livesMs - RENEW_BEFORE_MS),
    };
  }

  const fresh = async () => {
    if (current === undefined || nowMs() >= current.renewAtMs) current = await renew();
    return current;
  };
  return {
    token: async () => (await fresh()).token,
    async identity() {
      const { deviceId, org } = await fresh();
      return { deviceId, org };
    },
  };
}

type Granted = { readonly token: string; readonly deviceId: string; readonly org: string };

type Json = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 15_000;

/** The token endpoint is no method of the contract, so it is asked by hand. */
async function post({ baseUrl, fetch }: ControlConnection, path: string, body: Json): Promise<Json> {
  const url = `${baseUrl}${path}`;
  const send = async () =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  const response = await send().catch((cause: unknown) => {
    throw new ProblemError({
      status: 503,
      code: "unreachable",
      detail: `${new URL(url).origin} does not answer.`,
      cause,
    });
  });
  const answer: Json = await response.json().then(
    (json: unknown) => (typeof json === "object" && json !== null ? { ...json } : {}),
    () => ({}),
  );
  if (response.ok) return answer;
  throw new ProblemError({
    status: response.status,
    code: textIn(answer, "code") ?? "token_refused",
    detail: textIn(answer, "detail") ?? `${new URL(url).origin} answered ${response.status}.`,
    reason: textIn(answer, "reason"),
  });
}

function textIn(answer: Json, member: string): string | undefined {
  const value = answer[member];
  return typeof value === "string" ? value : undefined;
}

function textOf(answer: Json, member: string): string {
  const text = textIn(answer, member);
  if (text !== undefined) return text;
  throw new ProblemError({
    status: 502,
    code: "malformed_answer",
    detail: `Control answered without \`${member}\`.`,
  });
}
