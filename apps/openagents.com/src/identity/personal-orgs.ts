// The organisation that every user has from their first day on, so that
// whatever they do has an owner. It is theirs alone.

import { newId } from "@openagents/authority";
import type { Database } from "@openagents/postgres";
import type { ControlConfig } from "../config.ts";
import * as store from "./store.ts";

export type PersonalOrgs = {
  /** Makes it when there is none yet; its id follows from the user's, so that it is made once. */
  of(userId: string): Promise<string>;
};

export function createPersonalOrgs(deps: {
  readonly db: Database;
  readonly localOwner: ControlConfig["localOwner"];
  readonly nowMs: () => number;
}): PersonalOrgs {
  const { db, localOwner, nowMs } = deps;
  return {
    async of(userId) {
      const known = await store.findPersonalOrg(db, userId);
      if (known !== undefined) return known;
      const orgId = userId === localOwner?.userId ? localOwner.orgId : userId.replace(/^usr_/, "org_");
      const atMs = nowMs();
      await store.makePersonalOrg(db, { userId, orgId, memberId: newId("mem", atMs), nowMs: atMs });
      return (await store.findPersonalOrg(db, userId)) ?? orgId;
    },
  };
}
