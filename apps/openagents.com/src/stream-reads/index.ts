export {
  findHead,
  followStream,
  listEvents,
  staleCursor,
  type StreamHead,
  type StoredEvent,
} from "./stream-reads.ts";
