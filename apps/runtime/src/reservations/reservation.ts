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
};

export function reservationMessage(reservation: Reservation): ReservationMessage {
  return {
    reservationId: reservation.reservationId,
    org: reservation.org,
    amountMsats: reservation.amountMsats,
    status: reservation.status,
    runId: reservation.runId,
    quoteId: reservation.quoteId,
    createdAt: reservation.createdAtMs,
  };
}
