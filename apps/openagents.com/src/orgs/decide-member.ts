// Whether a member may be given another role, or taken out. Pure.
//
// ORG-1  An organisation has an owner at all times.
// ORG-2  Only owners make owners, and only owners change or remove one.
// Held by tests/orgs.pg.test.ts.

import type { Role } from "../identity/index.ts";

/** In order of precedence. */
export type MemberRefusal = "owners_only" | "role_unchanged" | "last_owner";

export type MemberChange = {
  readonly callerRole: Role;
  readonly memberRole: Role;
  /** Undefined: out of the organisation. */
  readonly newRole: Role | undefined;
  /** The member included, where it is one. */
  readonly owners: number;
};

export function decideMember({
  callerRole,
  memberRole,
  newRole,
  owners,
}: MemberChange): MemberRefusal | undefined {
  const touchesOwner = memberRole === "owner" || newRole === "owner";
  if (touchesOwner && callerRole !== "owner") return "owners_only";
  if (memberRole === newRole) return "role_unchanged";
  if (memberRole === "owner" && owners <= 1) return "last_owner";
  return undefined;
}
