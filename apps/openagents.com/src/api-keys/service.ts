// Commands on keys. Whoever makes one gives it no more than they hold, and
// nothing that a person has to decide.

import { newId, type Authority, type Command, type Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  CreateApiKeyRequest,
  CreateApiKeyResponse,
  CreateServiceKeyRequest,
  Principal,
  RevokeApiKeyRequest,
  RevokeApiKeyResponse,
} from "@openagents/contracts";
import { invalidField, notFound } from "@openagents/service";
import { auditWrite } from "../audit/index.ts";
import type { Revocations } from "../revocations/index.ts";
import { isForKeys, isForServices } from "../scopes/index.ts";
import { apiKeyMessage, hashSecret, makeSecret, type ApiKey } from "./api-key.ts";
import { insertApiKey, lockApiKey, lockedCount, markRevoked, ownsAccount } from "./store.ts";

export type ApiKeyDeps = { readonly authority: Authority; readonly revocations: Revocations };

/** Of an organisation, without the revoked ones. */
const KEYS_MAX = 200;

/** Services of the installation are the operator's. */
const OPERATOR = "org_operator";

export function createApiKey(
  { authority }: ApiKeyDeps,
  call: CommandCall,
  request: CreateApiKeyRequest,
): Promise<CommandReply> {
  const { principal } = call;
  return authority.execute<CreateApiKeyResponse>(call, request, async (command) => {
    const refused = refuseCreation(principal, request.scopes);
    if (refused !== undefined) return refused;
    if ((await lockedCount(command.tx, principal.org)) >= KEYS_MAX) return tooMany();
    const nowMs = command.nowMs();
    if (request.expiresAt !== undefined && request.expiresAt <= nowMs)
      throw invalidField("expires_at", "in_the_past", "`expires_at` must be later than now.");
    const account = await accountOf(command, request.serviceAccountId, nowMs);
    return answerWith(command, nowMs, {
      org: principal.org,
      principal: account,
      name: request.name,
      scopes: request.scopes,
      expiresAtMs: request.expiresAt,
    });
  });
}

/** A key of a service of this installation. */
export function createServiceKey(
  { authority }: ApiKeyDeps,
  call: CommandCall,
  request: CreateServiceKeyRequest,
): Promise<CommandReply> {
  const unknown = request.scopes.find((scope) => !isForServices(scope));
  if (unknown !== undefined)
    throw invalidField("scopes", "scope_unknown", `There is no scope \`${unknown}\` that a service uses.`);
  return authority.execute<CreateApiKeyResponse>(call, request, async (command) => {
    if ((await lockedCount(command.tx, OPERATOR)) >= KEYS_MAX) return tooMany();
    return answerWith(command, command.nowMs(), {
      org: OPERATOR,
      principal: `svc_${request.service}`,
      name: request.service,
      scopes: request.scopes,
      expiresAtMs: undefined,
    });
  });
}

export function revokeApiKey(
  { authority, revocations }: ApiKeyDeps,
  call: CommandCall,
  request: RevokeApiKeyRequest,
): Promise<CommandReply> {
  return authority.execute<RevokeApiKeyResponse>(call, request, async (command) => {
    const { principal } = call;
    const key = await lockApiKey(command.tx, request.keyId);
    const isTheirs = key?.org === principal.org || (key?.org === OPERATOR && principal.scopes.has("admin"));
    if (key === undefined || !isTheirs) throw notFound("api_key", request.keyId);
    if (key.revokedAtMs !== undefined)
      return { kind: "refused", rule: "state", reason: "key_revoked", detail: "The key is revoked already." };
    const nowMs = command.nowMs();
    const { keyId, prefix, scopes } = key;
    const facts = { key_id: keyId, principal: key.principal, scopes: [...scopes] };
    const receipt = command.seal("openagents.control.api_key_revoked.v1", key.principal, facts, nowMs);
    const receiptId = receipt.receipt_id;
    const audit = { action: "api_key.revoked", subject: keyId, details: { prefix }, receiptId };
    // Tokens of a key carry its id as their session, so that other keys of the account go on.
    const stopped = revocations.revoke([{ by: "sid", value: keyId }], nowMs);
    return {
      kind: "answer",
      output: { key: apiKeyMessage({ ...key, revokedAtMs: nowMs }), receiptId },
      writes: [markRevoked(keyId, nowMs), auditWrite(call, audit, nowMs), ...stopped.writes],
      afterCommit: stopped.afterCommit,
    };
  });
}

type Draft = Pick<ApiKey, "org" | "principal" | "name" | "scopes" | "expiresAtMs">;

function answerWith(command: Command, nowMs: number, draft: Draft) {
  const { call } = command;
  const { secret, prefix } = makeSecret();
  const scopes = [...draft.scopes].sort();
  const key: ApiKey = {
    ...draft,
    scopes,
    keyId: newId("key", nowMs),
    prefix,
    createdBy: call.principal.id,
    createdAtMs: nowMs,
    revokedAtMs: undefined,
    lastUsedAtMs: undefined,
  };
  const { keyId, principal } = key;
  const facts = { key_id: keyId, principal, scopes };
  const receipt = command.seal("openagents.control.api_key_created.v1", principal, facts, nowMs);
  const receiptId = receipt.receipt_id;
  const details = { prefix, principal, scopes: scopes.join(" ") };
  const audit = { action: "api_key.created", subject: keyId, details, receiptId };
  return {
    kind: "answer" as const,
    output: { key: apiKeyMessage(key), secret, receiptId },
    writes: [insertApiKey(key, hashSecret(secret)), auditWrite(call, audit, nowMs)],
  };
}

/** Throws 404 for an account that is not the caller's organisation's. */
async function accountOf({ tx, call }: Command, asked: string | undefined, nowMs: number): Promise<string> {
  if (asked === undefined) return newId("sa", nowMs);
  if (!(await ownsAccount(tx, call.principal.org, asked))) throw notFound("service_account", asked);
  return asked;
}

function refuseCreation(
  { kind, actingFor, scopes }: Principal,
  asked: readonly string[],
): Refusal | undefined {
  if (kind !== "user" || actingFor !== undefined)
    return policy("person_only", "A person makes keys, in a session of their own.");
  const notHeld = asked.find((scope) => !scopes.has(scope));
  if (notHeld !== undefined)
    return policy("scope_not_held", `You do not hold the scope \`${notHeld}\`, so you cannot give it.`);
  const notForKeys = asked.find((scope) => !isForKeys(scope));
  if (notForKeys === undefined) return undefined;
  return policy("scope_not_for_keys", `The scope \`${notForKeys}\` is for persons, and no key holds it.`);
}

function policy(reason: string, detail: string): Refusal {
  return { kind: "refused", rule: "policy", reason, detail };
}

function tooMany(): Refusal {
  const detail = `The organisation has ${KEYS_MAX} keys. Revoke one that is not used any more.`;
  return { kind: "refused", rule: "state", reason: "too_many_keys", detail };
}
