import assert from "node:assert/strict";
import { test } from "node:test";
import { decideDeletion, type Belonging, type Deletion } from "./decide-deletion.ts";

const NOTHING: Deletion = {
  isInstallationOwner: false,
  belongings: [],
  spendsOpen: 0,
  funds: { availableMsats: 0n, reservedMsats: 0n },
  givesUpFunds: false,
};

const ALONE: Belonging = { orgId: "org_a", role: "owner", members: 1, owners: 1 };
const LAST: Belonging = { ...ALONE, members: 2 };

test("who is alone in an organisation, one owner of two, or no owner may go", () => {
  const belongings = [ALONE, { ...LAST, owners: 2 }, { ...LAST, role: "member" as const }];
  assert.equal(decideDeletion({ ...NOTHING, belongings }), undefined);
});

test("of several reasons the first is told, and each holds by itself", () => {
  const all: Deletion = {
    isInstallationOwner: true,
    belongings: [ALONE, LAST],
    spendsOpen: 1,
    funds: { availableMsats: 1n, reservedMsats: 1n },
    givesUpFunds: false,
  };
  const told = [
    decideDeletion(all),
    decideDeletion({ ...all, isInstallationOwner: false }),
    decideDeletion({ ...all, isInstallationOwner: false, belongings: [ALONE] }),
    decideDeletion({ ...NOTHING, funds: all.funds }),
    decideDeletion({ ...NOTHING, funds: { availableMsats: 1n, reservedMsats: 0n } }),
  ];
  assert.deepEqual(told, ["installation_owner", "last_owner", "spends_open", "funds_reserved", "funds_held"]);
});

test("what is available can be given up, and what is bound cannot", () => {
  const given = { ...NOTHING, givesUpFunds: true };
  assert.equal(decideDeletion({ ...given, funds: { availableMsats: 9n, reservedMsats: 0n } }), undefined);
  const bound = decideDeletion({ ...given, funds: { availableMsats: 9n, reservedMsats: 1n } });
  assert.equal(bound, "funds_reserved");
});
