export { RESERVATION_TTL_MS, reservationMessage, type Reservation } from "./reservation.ts";
export {
  endReservations,
  findReservation,
  findReservationOfQuote,
  insertReservation,
  listDueReservations,
  listHeldWithoutJob,
  lockReservation,
  type EndedReservation,
} from "./store.ts";
