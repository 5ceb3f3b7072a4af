// Commands on devices. Only their owner, and who runs the organisation, may give them.
//
// DEV-1  A device gets tokens only while it is enrolled; what stops it takes its tokens back.
// DEV-2  A key that was revoked is never taken again.
// Held by tests/devices.pg.test.ts.

import type { Authority, Command, Refusal } from "@openagents/authority";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type EnrollDeviceRequest,
  type EnrollDeviceResponse,
  type Principal,
} from "@openagents/contracts";
import type { Tx, Write } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { auditWrite } from "../audit/index.ts";
import type { Revocations } from "../revocations/index.ts";
import type { ChallengeRefusal, Challenges } from "./challenge.ts";
import { deviceIdOf, deviceMessage, type Device } from "./device.ts";
import { insertDevice, lockDevice, markStatus, takeChallenge } from "./store.ts";

export type DeviceDeps = {
  readonly authority: Authority;
  readonly challenges: Challenges;
  readonly revocations: Revocations;
  /** What ends with a device that never comes back; commits with its revocation. */
  readonly stopWorkersOf: (tx: Tx, deviceId: string, nowMs: number) => Promise<readonly Write[]>;
  /** Told when a device was disabled or revoked. */
  readonly stopped: () => void;
};

/** Enrol the device that holds a key, for the person who calls. */
export function enrollDevice(
  { authority, challenges }: DeviceDeps,
  call: CommandCall,
  request: EnrollDeviceRequest,
): Promise<CommandReply> {
  const { org, id: userId } = requirePerson(call.principal);
  return authority.execute<EnrollDeviceResponse>(call, request, async (command) => {
    const { publicKey, name, platform } = request;
    const deviceId = deviceIdOf(publicKey);
    const known = await lockDevice(command.tx, deviceId);
    const nowMs = command.nowMs();
    const answer = challenges.check({ kind: "enroll", org, userId }, request, nowMs);
    if (answer.kind === "refused") return refusal(answer.reason);
    if (!(await takeChallenge(command.tx, answer))) return refusal("challenge_used");
    if (known !== undefined) return refusal(knownAs(known, org));

    // Without its name, which may name a person: receipts and the audit log are never erased.
    const facts = { device_id: deviceId, owner_user_id: userId, public_key: publicKey };
    const receipt = command.seal("openagents.control.device_enrolled.v1", deviceId, facts, nowMs);
    const device: Device = {
      deviceId,
      publicKey,
      org,
      ownerUserId: userId,
      name,
      platform,
      status: "enrolled",
      enrolledAtMs: nowMs,
      statusAtMs: nowMs,
      lastSeenAtMs: undefined,
    };
    const receiptId = receipt.receipt_id;
    const audit = { action: "device.enrolled", subject: deviceId, details: { platform }, receiptId };
    return {
      kind: "answer",
      output: { device: deviceMessage(device), receiptId },
      writes: [insertDevice(device), auditWrite(call, audit, nowMs)],
    };
  });
}

type Change = { readonly to: Device["status"]; readonly word: "disabled" | "enabled" | "revoked" };

export const DISABLE: Change = { to: "disabled", word: "disabled" };
export const ENABLE: Change = { to: "enrolled", word: "enabled" };
export const REVOKE: Change = { to: "revoked", word: "revoked" };

type ChangeResponse = { readonly device: ReturnType<typeof deviceMessage>; readonly receiptId: string };

/** Disable, enable or revoke a device. */
export function changeDevice(
  { authority, revocations, stopWorkersOf, stopped: deviceStopped }: DeviceDeps,
  call: CommandCall,
  request: { readonly deviceId: string },
  { to, word }: Change,
): Promise<CommandReply> {
  return authority.execute<ChangeResponse>(call, request, async (command) => {
    // A token is given under this lock too, so that none is made between the look and the revocation.
    const device = await requireDevice(command, request.deviceId);
    const refused = refuseChange(call.principal, device, to);
    if (refused !== undefined) return refused;

    const nowMs = command.nowMs();
    const { deviceId, platform } = device;
    // Without its name, which may name a person: receipts and the audit log are never erased.
    const facts = { device_id: deviceId, owner_user_id: device.ownerUserId };
    const receipt = command.seal(`openagents.control.device_${word}.v1`, deviceId, facts, nowMs);
    const receiptId = receipt.receipt_id;
    const audit = { action: `device.${word}`, subject: deviceId, details: { platform }, receiptId };
    const stopped = revocations.revoke(to === "enrolled" ? [] : [{ by: "sub", value: deviceId }], nowMs);
    const ended = to === "revoked" ? await stopWorkersOf(command.tx, deviceId, nowMs) : [];
    return {
      kind: "answer",
      output: { device: deviceMessage({ ...device, status: to, statusAtMs: nowMs }), receiptId },
      writes: [markStatus(deviceId, to, nowMs), auditWrite(call, audit, nowMs), ...stopped.writes, ...ended],
      afterCommit() {
        stopped.afterCommit();
        if (to !== "enrolled") deviceStopped();
      },
    };
  });
}

async function requireDevice({ tx, call }: Command, deviceId: string): Promise<Device> {
  const device = await lockDevice(tx, deviceId);
  if (device === undefined || device.org !== call.principal.org) throw notFound("device", deviceId);
  return device;
}

function refuseChange({ id, scopes }: Principal, device: Device, to: Device["status"]): Refusal | undefined {
  if (device.ownerUserId !== id && !scopes.has("orgs:write")) return refusal("not_your_device");
  if (device.status === "revoked") return refusal("device_revoked");
  if (device.status === to) return refusal(to === "enrolled" ? "device_enrolled" : "device_disabled");
  return undefined;
}

function knownAs(device: Device, org: string): Reason {
  if (device.status === "revoked") return "device_revoked";
  return device.org === org ? "device_enrolled" : "device_of_another_account";
}

function requirePerson(principal: Principal): Principal {
  if (principal.kind === "user" && principal.actingFor === undefined) return principal;
  throw new ProblemError({
    status: 403,
    code: "person_required",
    detail: `A person enrols devices, in a session of their own; this token is a ${principal.kind}'s.`,
  });
}

type Reason =
  | ChallengeRefusal
  | "challenge_used"
  | "device_enrolled"
  | "device_disabled"
  | "device_revoked"
  | "device_of_another_account"
  | "not_your_device";

const DETAILS: Readonly<Record<Reason, readonly [Refusal["rule"], string]>> = {
  challenge_invalid: ["policy", "The challenge is not one for this key and this person. Ask for one."],
  challenge_expired: ["policy", "The challenge is older than five minutes. Ask for another one."],
  signature_invalid: ["policy", "The signature is not one of this key over the challenge."],
  challenge_used: ["policy", "The challenge was answered before. Ask for another one."],
  device_enrolled: ["state", "The device is enrolled already."],
  device_disabled: ["state", "The device is disabled already."],
  device_revoked: ["state", "The device was revoked, and its key is never taken again. Make a new key."],
  device_of_another_account: [
    "state",
    "The key is enrolled in another account. Revoke it there, and make a new key.",
  ],
  not_your_device: [
    "policy",
    "The device is another member's. Its owner, or an admin of the organisation, can do this.",
  ],
};

function refusal(reason: Reason): Refusal {
  const [rule, detail] = DETAILS[reason];
  return { kind: "refused", rule, reason, detail };
}
