export { receiptEvents } from "./receipt-events.ts";
