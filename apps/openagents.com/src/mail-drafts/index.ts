export { mailDraftRoutes } from "./routes.ts";
export { sendHandler } from "./send.ts";
export { draftSink } from "./service.ts";
