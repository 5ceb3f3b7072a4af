import assert from "node:assert/strict";
import { test } from "node:test";
import { allContracts, methodsOf } from "@openagents/contracts";
import { ROLES } from "../identity/index.ts";
import { isForKeys, scopesOfDevice, scopesOfOperator, scopesOfRole } from "./role-scopes.ts";

const methods = allContracts.flatMap(methodsOf);
const scopesBy = (access: string) => new Set(methods.filter((m) => m.access === access).map((m) => m.scope));

test("no role operates the installation or passes for a service", () => {
  const user = scopesBy("user");
  for (const role of ROLES) {
    for (const scope of scopesOfRole(role))
      assert.ok(user.has(scope) && scope !== "admin", `${role} ${scope}`);
  }
  assert.ok(scopesOfOperator().includes("admin"));
});

test("an owner can do what any person can, and each role holds what the one below it holds", () => {
  assert.deepEqual(scopesOfRole("owner"), [...scopesBy("user")].sort());
  const ladder = ["viewer", "member", "admin", "owner"] as const;
  for (const [index, role] of ladder.slice(1).entries()) {
    const held = new Set(scopesOfRole(role));
    for (const scope of scopesOfRole(ladder[index] ?? "viewer"))
      assert.ok(held.has(scope), `${role} ${scope}`);
  }
});

test("who only looks changes nothing but what is their own", () => {
  const own = ["account:write", "memberships:write", "sessions:write", "settings:write", "sync:token"];
  for (const role of ["viewer", "billing"] as const) {
    for (const scope of scopesOfRole(role)) {
      const allowed = /:(read|observe)$/.test(scope) || own.includes(scope);
      assert.ok(allowed || (role === "billing" && scope === "treasury:budget"), `${role} ${scope}`);
    }
  }
  assert.ok(!scopesOfRole("member").includes("tokens:write"));
  assert.ok(!scopesOfRole("member").includes("orgs:write"));
});

test("neither a device nor a key decides what a person has to, nor makes keys", () => {
  const forPersons = [
    "account:write",
    "approvals:decide",
    "memberships:write",
    "orgs:write",
    "tokens:write",
    "sessions:write",
  ];
  for (const scope of forPersons) {
    assert.ok(!isForKeys(scope), scope);
    assert.ok(!scopesOfDevice("owner").includes(scope), scope);
  }
  assert.ok(!isForKeys("admin"));
  assert.ok(scopesOfDevice("member").includes("jobs:work"));
});
