// The commands by which a person's mailbox comes and goes. What a server says is asked
// before the transaction: nothing is changed there.

import { newId, type Authority, type Command, type Refusal } from "@openagents/authority";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type CompleteGoogleAuthorizationRequest,
  type CompleteGoogleAuthorizationResponse,
  type ConnectImapMailboxRequest,
  type ConnectImapMailboxResponse,
  type DisconnectMailboxRequest,
  type DisconnectMailboxResponse,
  type StartGoogleAuthorizationRequest,
  type StartGoogleAuthorizationResponse,
} from "@openagents/contracts";
import type { Database, Write } from "@openagents/postgres";
import { OutboundError, assertPerson, invalidField, notFound, type Outbound } from "@openagents/service";
import type { MailProvider, PersonalSecrets } from "../integrations/index.ts";
import { gmailAddress } from "./gmail.ts";
import type { Google } from "./google.ts";
import { checkImap } from "./imap.ts";
import { MailboxError } from "./mail-account.ts";
import { mailboxMessage, type Mailbox } from "./mailbox.ts";
import { isPlainAddress } from "./mime.ts";
import { STATE_LASTS_MS, type OAuthStates } from "./oauth-states.ts";
import { serversText } from "./servers.ts";
import { deleteMailbox, findMailbox, lockMailboxes, upsertMailbox } from "./store.ts";

export type ConnectDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly secrets: PersonalSecrets;
  readonly states: OAuthStates;
  readonly google: Google | undefined;
  readonly outbound: Outbound;
  readonly nowMs: () => number;
};

/** What a server said before the transaction, for the transaction to decide by. */
type Told = { readonly address: string; readonly secret: string } | Refusal;

/** Refused, in this order: `host_not_allowed`, `login_refused`. */
export async function connectImapMailbox(
  deps: ConnectDeps,
  call: CommandCall,
  request: ConnectImapMailboxRequest,
): Promise<CommandReply> {
  assertPerson(call);
  const { address, password } = request;
  if (!isPlainAddress(address))
    throw invalidField("address", "wrong_format", "It is not one plain address, such as ann@example.org.");
  const servers = {
    imap: { host: request.imapHost, port: request.imapPort },
    smtp: { host: request.smtpHost, port: request.smtpPort },
  };
  const login = { user: request.username ?? address, password };
  const secret = JSON.stringify(login);
  const told = await checkImap(servers, login, deps.outbound, call.signal).then(
    () => ({ address, secret }),
    refusing("login_refused"),
  );
  return deps.authority.execute<ConnectImapMailboxResponse>(call, request, (command) =>
    connect(deps, command, "imap", serversText(servers), told),
  );
}

export function startGoogleAuthorization(
  { authority, states, google }: ConnectDeps,
  call: CommandCall,
  request: StartGoogleAuthorizationRequest,
): Promise<CommandReply> {
  assertPerson(call);
  if (google === undefined) throw googleNotConfigured();
  return authority.execute<StartGoogleAuthorizationResponse>(call, request, async (command) => {
    const nowMs = command.nowMs();
    const { state, verifier, write } = states.begin(call.principal, nowMs);
    const authorizeUrl = google.authorizeUrl({ state, verifier });
    return {
      kind: "answer",
      output: { authorizeUrl, expiresAt: nowMs + STATE_LASTS_MS },
      writes: [write],
    };
  });
}

/** Refused, in this order: `authorization_invalid`, `authorization_refused`, `permission_missing`. */
export async function completeGoogleAuthorization(
  deps: ConnectDeps,
  call: CommandCall,
  request: CompleteGoogleAuthorizationRequest,
): Promise<CommandReply> {
  assertPerson(call);
  const { google } = deps;
  if (google === undefined) throw googleNotConfigured();
  // Taken before anything is asked with it: of several that come at once, one goes on. A
  // replay finds it gone, and answers what was answered.
  const verifier = await deps.states.take(deps.db, call.principal, request.state, deps.nowMs());
  const told =
    verifier === undefined
      ? AUTHORIZATION_INVALID
      : await exchange(google, request.code, verifier, call.signal).catch(refusing("authorization_refused"));
  return deps.authority.execute<CompleteGoogleAuthorizationResponse>(call, request, (command) =>
    connect(deps, command, "gmail", "https://gmail.googleapis.com", told),
  );
}

async function exchange(google: Google, code: string, verifier: string, signal: AbortSignal): Promise<Told> {
  const { refreshToken, mayReadAndSend } = await google.exchange(code, verifier, signal);
  if (!mayReadAndSend) return PERMISSION_MISSING;
  return { address: await gmailAddress(google, refreshToken, signal), secret: refreshToken };
}

async function connect(
  { secrets }: ConnectDeps,
  command: Command,
  provider: MailProvider,
  baseUrl: string,
  told: Told,
): Promise<
  Refusal | { kind: "answer"; output: { mailbox: ReturnType<typeof mailboxMessage> }; writes: Write[] }
> {
  if ("kind" in told) return told;
  const { address, secret } = told;
  const { org, id } = command.call.principal;
  const earlier = (await lockMailboxes(command.tx, org, id)).find((each) => each.provider === provider);
  const isSame = earlier?.address === address;
  if (earlier !== undefined && !isSame) await deleteMailbox(command.tx, earlier.mailboxId);
  const atMs = command.nowMs();
  const mailboxId = isSame ? earlier.mailboxId : newId("mbx", atMs);
  const facts = { provider, base_url: baseUrl, mailbox_id: mailboxId };
  const receipt = command.seal("openagents.control.integration_connected.v1", mailboxId, facts, atMs);
  const mailbox: Mailbox = {
    mailboxId,
    org,
    userId: id,
    provider,
    address,
    status: "works",
    syncedAtMs: undefined,
    // Before all others: it is asked for mail at the next look.
    askedAtMs: 0,
    connectedAtMs: atMs,
    receiptId: receipt.receipt_id,
  };
  const stored = { baseUrl, secret, account: address, atMs, receiptId: receipt.receipt_id };
  return {
    kind: "answer",
    output: { mailbox: mailboxMessage(mailbox) },
    writes: [upsertMailbox(mailbox), secrets.store({ org, provider, owner: id }, stored)],
  };
}

export function disconnectMailbox(
  { authority, secrets }: ConnectDeps,
  call: CommandCall,
  request: DisconnectMailboxRequest,
): Promise<CommandReply> {
  assertPerson(call);
  return authority.execute<DisconnectMailboxResponse>(call, request, async (command) => {
    const { org, id } = call.principal;
    const { mailboxId } = request;
    await lockMailboxes(command.tx, org, id);
    const found = await findMailbox(command.tx, mailboxId);
    if (found?.org !== org || found.userId !== id) throw notFound("mailbox", mailboxId);
    const { provider } = found;
    const facts = { provider, mailbox_id: mailboxId, connected_receipt_id: found.receiptId };
    const schema = "openagents.control.integration_disconnected.v1";
    const receipt = command.seal(schema, mailboxId, facts, command.nowMs());
    await deleteMailbox(command.tx, mailboxId);
    const writes = [secrets.delete({ org, provider, owner: id })];
    return { kind: "answer", output: { receiptId: receipt.receipt_id }, writes };
  });
}

/** What lasts is an answer; what does not is an error, and the key stays free. */
function refusing(reason: "login_refused" | "authorization_refused"): (error: unknown) => Refusal {
  return (error) => {
    const cause = error instanceof MailboxError && error.cause instanceof OutboundError ? error.cause : error;
    if (cause instanceof OutboundError && NOT_ALLOWED.has(cause.code)) {
      const detail = `${cause.message} Name a mail server on the public internet.`;
      return { kind: "refused", rule: "policy", reason: "host_not_allowed", detail };
    }
    if (!(error instanceof MailboxError || error instanceof OutboundError)) throw error;
    if (error instanceof MailboxError && error.code === "login_refused") {
      const detail = `${error.message} Check what you gave, and try again.`;
      return { kind: "refused", rule: "policy", reason, detail };
    }
    throw new ProblemError({
      status: 503,
      code: "mailbox_unreachable",
      detail: `${error.message} Check host and port, and try again.`,
      retryAfterMs: 5_000,
      cause: error,
    });
  };
}

const NOT_ALLOWED: ReadonlySet<string> = new Set(["address_not_allowed", "not_encrypted", "url_invalid"]);

const AUTHORIZATION_INVALID: Refusal = {
  kind: "refused",
  rule: "state",
  reason: "authorization_invalid",
  detail:
    "This authorisation was begun elsewhere, was used, or is older than ten minutes. Connect the mailbox again from Settings.",
};

const PERMISSION_MISSING: Refusal = {
  kind: "refused",
  rule: "policy",
  reason: "permission_missing",
  detail: "Reading and sending were not both allowed at Google. Connect again, and allow both.",
};

function googleNotConfigured(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "google_not_configured",
    detail:
      "This installation is not registered at Google. Whoever runs it sets GOOGLE_OAUTH_CLIENT_ID and GOOGLE_OAUTH_CLIENT_SECRET; meanwhile connect the mailbox by IMAP.",
    retryAfterMs: 60_000,
  });
}
