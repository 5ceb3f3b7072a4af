export { startAnnouncer, type Announcer } from "./announcer.ts";
export { eventDraft } from "./draft.ts";
export { openFollower, type Follower } from "./follower.ts";
export { receiptEvents } from "./receipt-events.ts";
