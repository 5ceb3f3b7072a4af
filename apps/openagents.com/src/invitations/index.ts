export { invitationMailer } from "./mail.ts";
export { invitationRoutes } from "./routes.ts";
