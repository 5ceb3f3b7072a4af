export { personMessage, profileNeeded, type Person } from "./profile.ts";
export { profileRoutes } from "./routes.ts";
export { findPerson, lockProfile } from "./store.ts";
