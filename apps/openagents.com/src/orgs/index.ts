export { orgMembershipMessage, personMessage } from "./wire.ts";
export { orgRoutes } from "./routes.ts";
export {
  findPerson,
  findSession,
  listMemberships,
  lockMembership,
  type PersonRecord,
  type SessionRecord,
} from "./store.ts";
