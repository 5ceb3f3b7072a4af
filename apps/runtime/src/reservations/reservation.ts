// Money set aside for one order: a pending transfer and what it is for.

import type { Reservation as ReservationMessage, ReservationStatus } from "@openagents/contracts";

export type Reservation = {
  /** Also the id of the pending transfer. */
  readonly reservationId: string;
  readonly org: string;
  readonly amountMsats: bigint;
  readonly status: ReservationStatus;
  readonly runId: string | undefined;
  readonly quoteId: string | undefined;
  readonly receiptId: string;
  readonly createdAtMs: number;
  /** From then on it ends once nothing rests on it; undefined for those from before there was such a time. */
  readonly expiresAtMs: number | undefined;
};

/** How long money lies unused when its buyer does not say. */
export const RESERVATION_TTL_MS = 86_400_000;

export function reservationMessage(reservation: Reservation): ReservationMessage {
  return {
    reservationId: reservation.reservationId,
    org: reservation.org,
    amountMsats: reservation.amountMsats,
    status: reservation.status,
    runId: reservation.runId,
    quoteId: reservation.quoteId,
    createdAt: reservation.createdAtMs,
    expiresAt: reservation.expiresAtMs,
  };
}
