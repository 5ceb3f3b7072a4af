export { startAnnouncer, type Announcer } from "./announcer.ts";
export { eventDraft } from "./draft.ts";
export { receiptEvents } from "./receipt-events.ts";
