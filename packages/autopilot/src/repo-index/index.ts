export { makeIndex, type MadeIndex } from "./make-index.ts";
