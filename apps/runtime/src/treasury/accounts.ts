// The chart of accounts. Every account is credit-normal: its balance is what
// its owner can claim.

import type { NewAccount } from "@openagents/ledger";

const UNIT = "msats";

/** Money that an organisation can spend. */
export function orgAccount(org: string): NewAccount {
  return { id: `${org}:spendable`, unit: UNIT, owner: org, kind: "org", floor: 0n };
}

/**
 * Money set aside for an organisation's open orders. One per organisation, so
 * that reservations of different organisations never wait for each other.
 */
export function escrowAccount(org: string): NewAccount {
  return { id: `${org}:escrow`, unit: UNIT, owner: org, kind: "escrow", floor: 0n };
}

export function earningsAccount(org: string): NewAccount {
  return { id: `${org}:earnings`, unit: UNIT, owner: org, kind: "provider_earnings", floor: 0n };
}

export const OPERATOR_FEES: NewAccount = {
  id: "operator:fees",
  unit: UNIT,
  owner: "operator",
  kind: "operator_fees",
  floor: 0n,
};

/** Where demo money comes from: a claim on nobody, so it has no floor. */
export const DEMO_GRANTS: NewAccount = {
  id: "external:demo_grants",
  unit: UNIT,
  owner: "operator",
  kind: "external",
  floor: null,
};
