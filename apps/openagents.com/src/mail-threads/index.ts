export { mailThreadRoutes } from "./routes.ts";
export {
  addToThreads,
  findKnownKeys,
  findThread,
  forgetThreads,
  insertMessages,
  listMessages,
} from "./store.ts";
export { startMailSync } from "./sync.ts";
export { messageOf, threadOf, type Thread } from "./thread.ts";
