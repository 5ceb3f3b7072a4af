import type { Authority, Refusal } from "@openagents/authority";
import { Profiles, bind, type Binding, type UpdateProfileResponse } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { UserOf } from "../persons/index.ts";
import { isReserved, plainProfile, profileMessage, type Profile } from "./profile.ts";
import { findProfile, insertHandle, lockHandle, lockProfile, lockUser, upsertProfile } from "./store.ts";

export type ProfileDeps = { readonly db: Database; readonly authority: Authority; readonly userOf: UserOf };

export function profileRoutes(deps: ProfileDeps): Binding {
  return bind(Profiles, {
    async getProfile(_request, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      return { profile: profileMessage((await findProfile(deps.db, userId)) ?? plainProfile(userId)) };
    },

    // Refused, in this order: `handle_reserved`, `handle_taken`.
    updateProfile: (request, call) =>
      deps.authority.execute<UpdateProfileResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        const { handle } = request;
        // Always the handle first, so that two who want each other's do not wait for each other.
        const holder = handle === undefined ? undefined : await lockHandle(command.tx, handle);
        await lockUser(command.tx, userId);
        const before = (await lockProfile(command.tx, userId)) ?? plainProfile(userId);
        if (handle !== undefined && handle !== before.handle) {
          if (isReserved(handle)) return refusal("handle_reserved", handle);
          if (holder !== undefined && holder !== userId) return refusal("handle_taken", handle);
        }
        const nowMs = command.nowMs();
        const after: Profile = {
          userId,
          handle: handle ?? before.handle,
          displayName: request.displayName ?? before.displayName,
          bio: request.bio ?? before.bio,
          updatedAtMs: nowMs,
        };
        const isNew = handle !== undefined && holder === undefined;
        return {
          kind: "answer",
          output: { profile: profileMessage(after) },
          writes: [...(isNew ? [insertHandle(handle, userId, nowMs)] : []), upsertProfile(after, nowMs)],
        };
      }),
  });
}

function refusal(reason: "handle_reserved" | "handle_taken", handle: string): Refusal {
  const detail =
    reason === "handle_reserved"
      ? `@${handle} speaks for the installation. Choose another handle.`
      : `@${handle} is, or was, another person's. Choose another handle.`;
  return { kind: "refused", rule: "state", reason, detail };
}
