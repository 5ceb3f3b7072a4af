export type { Check } from "./check.ts";
export { chooseCheck } from "./choose-check.ts";
export { readProject } from "./read-project.ts";
