// What a role may do: roles → scopes. Pure.
//
// A scope that a later part adds is placed by its verb: what reads is for every
// member, what changes things is for those who work. What is more than that is
// named here, and so is what is less.
//
// ROLE-1  No role holds `admin`, nor a scope that only services or operators use.
// ROLE-2  Each role holds what the one below it holds, from viewer over member to admin and owner.
// ROLE-3  A key holds nothing that a person has to decide.
// Held by role-scopes.test.ts.

import { allContracts, methodsOf } from "@openagents/contracts";
import type { Role } from "../identity/index.ts";

/** For those who run the organisation. */
const ADMINS = new Set([
  "audit:read",
  "devices:write",
  "integrations:write",
  "orgs:write",
  "tokens:read",
  "tokens:write",
  "treasury:budget",
  "treasury:spend",
]);

/** Of `ADMINS`, what members need for what is their own. */
const MEMBERS = new Set(["devices:write", "treasury:spend"]);

/** What someone who pays the bills does, beside reading. */
const BILLING = new Set(["audit:read", "treasury:budget"]);

/** What everybody does for themselves, whatever the role. */
const OWN = new Set(["account:write", "memberships:write", "sessions:write", "settings:write", "sync:token"]);

/** Verbs that change nothing. */
const READS = new Set(["read", "observe"]);

/** What a person has to decide, and no key and no device. */
const PERSONS = new Set([
  "account:write",
  "approvals:decide",
  "mailboxes:write",
  "memberships:write",
  "orgs:write",
  "sessions:read",
  "sessions:write",
  "tokens:read",
  "tokens:write",
]);

/** What devices may not do, although they act for their owner. */
const NOT_DEVICES = new Set([
  ...PERSONS,
  "audit:read",
  "devices:write",
  "integrations:write",
  "treasury:budget",
]);

type ScopeUse = { readonly user: ReadonlySet<string>; readonly operator: ReadonlySet<string> };

function usesOf(): ScopeUse {
  const user = new Set<string>();
  const operator = new Set(["admin"]);
  for (const method of allContracts.flatMap(methodsOf)) {
    if (method.access === "user") user.add(method.scope);
    if (method.access === "admin") operator.add(method.scope);
  }
  return { user, operator };
}

const USES = usesOf();

/** Of the lane of live streams; no route of the contract asks for them. */
export const SYNC_SCOPES = ["sync.subscribe", "sync.checkpoint.write"] as const;

/** Scopes of a person by the role in the organisation; sorted. */
export function scopesOfRole(role: Role): string[] {
  return [...USES.user].filter((scope) => mayHold(role, scope)).sort();
}

/** What operators of the installation hold beside their role. */
export function scopesOfOperator(): string[] {
  return [...USES.operator].sort();
}

/** What a device holds: what its owner does, but for what a person has to decide; sorted. */
export function scopesOfDevice(ownersRole: Role): string[] {
  return scopesOfRole(ownersRole).filter((scope) => !NOT_DEVICES.has(scope));
}

/** Whether a key of an organisation may hold it at all. */
export function isForKeys(scope: string): boolean {
  return USES.user.has(scope) && !PERSONS.has(scope);
}

/** Whether a service of the installation may hold it. */
export function isForServices(scope: string): boolean {
  return allContracts.flatMap(methodsOf).some((method) => method.scope === scope);
}

function mayHold(role: Role, scope: string): boolean {
  const verb = scope.split(":")[1] ?? "";
  const reads = READS.has(verb) && !ADMINS.has(scope);
  switch (role) {
    case "owner":
    case "admin":
      return true;
    case "member":
      return reads || OWN.has(scope) || !ADMINS.has(scope) || MEMBERS.has(scope);
    case "billing":
      return reads || OWN.has(scope) || BILLING.has(scope);
    case "viewer":
      return reads || OWN.has(scope);
  }
}
