// Whose affairs a caller attends to. A person's own; a device attends to those
// of the person who enrolled it; an organisation's key to its own.

import { ProblemError, type Principal } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";

/** The principal whose things a caller sees. Throws 403 `device_unknown` for a device that nobody enrolled here. */
export type PersonOf = (q: Queryable, principal: Principal) => Promise<string>;

/** Undefined for a device that is not enrolled, or is disabled. */
export type FindDeviceOwner = (q: Queryable, org: string, deviceId: string) => Promise<string | undefined>;

export function createPersonOf(findDeviceOwner: FindDeviceOwner): PersonOf {
  return async (q, { kind, id, org }) => {
    if (kind !== "device") return id;
    const owner = await findDeviceOwner(q, org, id);
    if (owner !== undefined) return owner;
    throw new ProblemError({
      status: 403,
      code: "device_unknown",
      detail: `The device ${id} is not enrolled here, or is disabled. Enrol it with \`openagents device run\`.`,
    });
  };
}
