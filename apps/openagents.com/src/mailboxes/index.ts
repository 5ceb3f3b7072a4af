export { createOpenMailAccount, type OpenMailAccount } from "./accounts.ts";
export { createGoogle } from "./google.ts";
export { MailboxError, type FoundMail, type OutgoingMail } from "./mail-account.ts";
export { mailboxMessage, type Mailbox } from "./mailbox.ts";
export { composeMail, isPlainAddress, readMail } from "./mime.ts";
export { createOAuthStates, forgetOAuthStates } from "./oauth-states.ts";
export { mailboxRoutes } from "./routes.ts";
export {
  deleteMailboxesOf,
  findMailbox,
  listDueMailboxes,
  listMailboxes,
  lockMailbox,
  markMailboxAsked,
} from "./store.ts";
