// What a role may do to the organisation itself. What it may do elsewhere, its
// scopes, is decided where tokens are made.

import { createAccessControl } from "better-auth/plugins/access";
import { ROLES, type Role } from "./session.ts";

const statements = {
  organization: ["update", "delete"],
  member: ["create", "update", "delete"],
  invitation: ["create", "cancel"],
  // Asked for by the plugin's own routes, of which ours mounts none.
  team: ["create", "update", "delete"],
  ac: ["create", "read", "update", "delete"],
} as const;

export const accessControl = createAccessControl(statements);

const NOTHING = { organization: [], member: [], invitation: [], team: [], ac: [] } as const;

export const roles = {
  owner: accessControl.newRole({
    ...NOTHING,
    organization: ["update", "delete"],
    member: ["create", "update", "delete"],
    invitation: ["create", "cancel"],
  }),
  admin: accessControl.newRole({
    ...NOTHING,
    organization: ["update"],
    member: ["create", "update", "delete"],
    invitation: ["create", "cancel"],
  }),
  member: accessControl.newRole(NOTHING),
  billing: accessControl.newRole(NOTHING),
  viewer: accessControl.newRole(NOTHING),
};

/** The strongest of the roles in a column that may hold several; a column of none that we know is a viewer's. */
export function parseRole(column: string): Role {
  const held = new Set(column.split(",").map((part) => part.trim()));
  return ROLES.find((role) => held.has(role)) ?? "viewer";
}
