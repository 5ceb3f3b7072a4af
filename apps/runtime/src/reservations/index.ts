export { reservationMessage, type Reservation } from "./reservation.ts";
export {
  findReservation,
  findReservationOfQuote,
  insertReservation,
  lockReservation,
  markReservation,
} from "./store.ts";
