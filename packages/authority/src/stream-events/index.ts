export { startAnnouncer, type Announcer } from "./announcer.ts";
export { draftOf, eventDraft } from "./draft.ts";
export { openFollower, type Follower } from "./follower.ts";
