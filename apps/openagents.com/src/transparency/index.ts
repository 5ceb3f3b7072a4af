export { createFindInclusion, type FindInclusion } from "./find-inclusion.ts";
export { handOverPage, startHandover } from "./handover.ts";
