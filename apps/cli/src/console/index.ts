export { buildConsole } from "./build-console.ts";
export { requestLocalLink } from "./local-link.ts";
