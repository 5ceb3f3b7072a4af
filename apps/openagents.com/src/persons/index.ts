export { createPersonOf, type FindDeviceOwner, type PersonOf } from "./person-of.ts";
