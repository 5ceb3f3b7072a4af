import type { OrgMember, OrgMembership, Person } from "@openagents/contracts";
import type { Membership } from "../identity/index.ts";
import type { Member, PersonRecord } from "./store.ts";

export function orgMembershipMessage(membership: Membership): OrgMembership {
  return { ...membership };
}

export function personMessage(person: PersonRecord): Person {
  return { ...person };
}

export function memberMessage({ joinedAtMs, ...member }: Member): OrgMember {
  return { ...member, joinedAt: joinedAtMs };
}
