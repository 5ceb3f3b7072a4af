// What each trust zone may do. Pure, and the one place where a zone is read:
// selection, second runs, disputes, leases and artifacts ask here.
//
// Zones are in tenths, as tokens say them: 0 the operator's own services, 5 a
// device that is enrolled in an account, 10 everyone else. A number that is none
// of them counts as everyone else.

const OPERATOR = 0;
const DEVICE = 5;

export type Standing = {
  readonly zoneTenths: number;
  /** The organisation in whose account a device is enrolled. It may sell under another one. */
  readonly account: string;
};

export type SourceOrder = {
  readonly buyerOrg: string;
  /** Whether the buyer chose that everyone on the market may have its source. */
  readonly market: boolean;
};

/** The operator answers for these itself: its reserve decides disputes and is a party to none. */
export function isOperator(party: Pick<Standing, "zoneTenths">): boolean {
  return party.zoneTenths === OPERATOR;
}

/** Whether a buyer's source may go there: to the operator, the buyer's own devices, and by its choice to everyone. */
export function mayReceiveSource(party: Standing, order: SourceOrder): boolean {
  if (order.market || isOperator(party)) return true;
  return party.zoneTenths === DEVICE && party.account === order.buyerOrg;
}

/** Whether someone may let another organisation read what it stored. */
export function mayShareArtifacts(party: Pick<Standing, "zoneTenths">): boolean {
  return isOperator(party) || party.zoneTenths === DEVICE;
}

/** Of 10 000 results that luck decides on, how many are run again: who is trusted less is looked at more often. */
export function rerunRateBps(party: Pick<Standing, "zoneTenths">): number {
  if (isOperator(party)) return 1_000;
  return party.zoneTenths === DEVICE ? 2_000 : 5_000;
}

/** How much of what an organisation may store someone of a zone may fill. */
export function artifactShare(party: Pick<Standing, "zoneTenths">): number {
  return mayShareArtifacts(party) ? 1 : 0.1;
}

/** The zone of what two statements speak of: neither can raise the other. */
export function heldZone(one: number, other: number): number {
  return Math.max(one, other);
}
