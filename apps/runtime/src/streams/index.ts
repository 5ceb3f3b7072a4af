export { startAnnouncer } from "./announcer.ts";
export { eventDraft } from "./draft.ts";
export { receiptEvents } from "./receipt-events.ts";
