// Whether an account may end now. Pure.
//
// ACC-1  No organisation that others are in loses its last owner.
// ACC-2  No money is left behind that its person has not given up.
// ACC-3  Whatever the account gave access to ends with the answer, or the account stays as it is.
// ACC-4  What names a person is erased; receipts and the audit log stay, under an id that names nobody.
// Held by tests/account.pg.test.ts.

import type { Role } from "../identity/index.ts";

/** In order of precedence. */
export type DeletionRefusal =
  | "installation_owner"
  | "last_owner"
  | "spends_open"
  | "funds_reserved"
  | "funds_held";

/** An organisation that the person is in. */
export type Belonging = {
  readonly orgId: string;
  readonly role: Role;
  /** The person included. */
  readonly members: number;
  /** The person included, where it is one. */
  readonly owners: number;
};

export type Funds = { readonly availableMsats: bigint; readonly reservedMsats: bigint };

export type Deletion = {
  /** Whether the installation makes the person at each start. */
  readonly isInstallationOwner: boolean;
  readonly belongings: readonly Belonging[];
  /** Amounts that autopilots of the person set aside and have not ended. */
  readonly spendsOpen: number;
  /** Of the organisations that end with the account, all of them together. */
  readonly funds: Funds;
  /** Whether the person gives up what can be given up. */
  readonly givesUpFunds: boolean;
};

export function decideDeletion(deletion: Deletion): DeletionRefusal | undefined {
  const { belongings, funds } = deletion;
  if (deletion.isInstallationOwner) return "installation_owner";
  if (belongings.some((each) => !isAlone(each) && each.role === "owner" && each.owners <= 1))
    return "last_owner";
  if (deletion.spendsOpen > 0) return "spends_open";
  // Bound by work that goes on: others are owed of it, so it is not the person's to give up.
  if (funds.reservedMsats > 0n) return "funds_reserved";
  if (funds.availableMsats > 0n && !deletion.givesUpFunds) return "funds_held";
  return undefined;
}

/** An organisation that nobody else is in ends with its person. */
export function isAlone({ members }: Pick<Belonging, "members">): boolean {
  return members <= 1;
}
