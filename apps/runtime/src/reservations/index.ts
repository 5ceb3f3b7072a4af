export { reservationMessage, type Reservation } from "./reservation.ts";
export {
  findReservation,
  findReservationOfQuote,
  insertReservation,
  listHeldWithoutJob,
  lockReservation,
  markReservation,
} from "./store.ts";
