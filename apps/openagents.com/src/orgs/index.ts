export { orgMembershipMessage, personMessage } from "./wire.ts";
export { orgRoutes } from "./routes.ts";
export { adminsOnly } from "./own-memberships.ts";
export { refuseOthersThanPersons } from "./service.ts";
export {
  findPerson,
  findSession,
  insertMember,
  listMemberships,
  lockMembers,
  lockMembership,
  lockOrg,
  lockPerson,
  type PersonRecord,
  type SessionRecord,
} from "./store.ts";
