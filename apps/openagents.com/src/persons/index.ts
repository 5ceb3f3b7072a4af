export { createPersonOf, type FindDeviceOwner, type PersonOf } from "./person-of.ts";
export { createUserOf, type UserOf } from "./user-of.ts";
