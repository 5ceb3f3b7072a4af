// What others see of a person. Nothing in it comes from an address.
//
// PRO-1  A handle is one person's, and never another's again.
// Held by tests/social.pg.test.ts.

import type { Refusal } from "@openagents/authority";
import type { PublicPerson as PersonMessage, Profile as ProfileMessage } from "@openagents/contracts";

export type Profile = {
  readonly userId: string;
  readonly handle: string | undefined;
  readonly displayName: string;
  readonly bio: string;
  readonly updatedAtMs: number | undefined;
};

/** As they stand beside what they said. */
export type Person = {
  readonly userId: string;
  readonly handle: string;
  readonly displayName: string;
};

/** Names that speak for the installation, which no person does. */
const RESERVED = new Set(
  "admin administrator api help me moderator official openagents operator owner root security staff support system".split(
    " ",
  ),
);

export function isReserved(handle: string): boolean {
  return RESERVED.has(handle);
}

export function plainProfile(userId: string): Profile {
  return { userId, handle: undefined, displayName: "", bio: "", updatedAtMs: undefined };
}

export function profileMessage({ userId, handle, displayName, bio, updatedAtMs }: Profile): ProfileMessage {
  return { userId, handle, displayName, bio, updatedAt: updatedAtMs };
}

export function personMessage({ userId, handle, displayName }: Person): PersonMessage {
  return { userId, handle, displayName };
}

/** For what others see the author of: somebody without a handle cannot be answered. */
export function profileNeeded(): Refusal {
  return {
    kind: "refused",
    rule: "state",
    reason: "profile_needed",
    detail: "Choose a handle first, under /api/settings/profile: others must know whom to answer.",
  };
}
