import { Mailboxes, bind, type Binding } from "@openagents/contracts";
import type { UserOf } from "../persons/index.ts";
import {
  completeGoogleAuthorization,
  connectImapMailbox,
  disconnectMailbox,
  startGoogleAuthorization,
  type ConnectDeps,
} from "./connect.ts";
import { mailboxMessage } from "./mailbox.ts";
import { listMailboxes } from "./store.ts";

export function mailboxRoutes(deps: ConnectDeps & { readonly userOf: UserOf }): Binding {
  return bind(Mailboxes, {
    async listMailboxes(_request, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const found = await listMailboxes(deps.db, call.principal.org, userId);
      return { mailboxes: found.map(mailboxMessage), googleConfigured: deps.google !== undefined };
    },
    connectImapMailbox: (request, call) => connectImapMailbox(deps, call, request),
    startGoogleAuthorization: (request, call) => startGoogleAuthorization(deps, call, request),
    completeGoogleAuthorization: (request, call) => completeGoogleAuthorization(deps, call, request),
    disconnectMailbox: (request, call) => disconnectMailbox(deps, call, request),
  });
}
