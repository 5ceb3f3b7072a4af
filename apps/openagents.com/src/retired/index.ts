export { serveRetiredLanes } from "./retired.ts";
