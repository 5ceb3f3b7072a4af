import { Devices, bind, type Binding } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, encodeCursor, notFound } from "@openagents/service";
import { deviceIdOf, deviceMessage } from "./device.ts";
import { DISABLE, ENABLE, REVOKE, changeDevice, enrollDevice, type DeviceDeps } from "./service.ts";
import { findDevice, listDevices } from "./store.ts";

export function deviceRoutes(
  deps: DeviceDeps & { readonly db: Queryable; readonly nowMs: () => number },
): Binding {
  const { db, challenges, nowMs } = deps;
  return bind(Devices, {
    async createDeviceChallenge({ publicKey }, { principal: { org, id } }) {
      const purpose = { kind: "enroll", org, userId: id } as const;
      const { challenge, expiresAtMs } = challenges.issue(purpose, publicKey, nowMs());
      return { challenge, expiresAt: expiresAtMs, deviceId: deviceIdOf(publicKey) };
    },

    enrollDevice: (request, call) => enrollDevice(deps, call, request),

    async listDevices(request, call) {
      const after = request.cursor === undefined ? "" : decodeCursor(request.cursor, /^dev_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listDevices(db, call.principal.org, after, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        devices: page.map(deviceMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.deviceId),
      };
    },

    async getDevice({ deviceId }, call) {
      const device = await findDevice(db, deviceId);
      if (device === undefined || device.org !== call.principal.org) throw notFound("device", deviceId);
      return deviceMessage(device);
    },

    disableDevice: (request, call) => changeDevice(deps, call, request, DISABLE),
    enableDevice: (request, call) => changeDevice(deps, call, request, ENABLE),
    revokeDevice: (request, call) => changeDevice(deps, call, request, REVOKE),
  });
}
