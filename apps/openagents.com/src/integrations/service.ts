// The commands of integrations.

import type { Authority, Refusal } from "@openagents/authority";
import {
  ProblemError,
  type CheckIntegrationRequest,
  type CheckIntegrationResponse,
  type CommandCall,
  type CommandReply,
  type ConnectIntegrationRequest,
  type ConnectIntegrationResponse,
  type DisconnectIntegrationRequest,
  type DisconnectIntegrationResponse,
  type IntegrationProvider,
  type ResealIntegrationsResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { OutboundError, invalidField, type Logger, type Outbound } from "@openagents/service";
import { hintOf, integrationMessage, sealContext, type Integration } from "./integration.ts";
import { DEFAULT_BASE_URL, checkSecret } from "./providers.ts";
import type { Sealer } from "./seal.ts";
import {
  deleteIntegration,
  findIntegration,
  lockIntegration,
  lockSealedOtherwise,
  resealed,
  upsertIntegration,
} from "./store.ts";

export type IntegrationDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly sealer: Sealer;
  readonly outbound: Outbound;
  readonly log: Logger;
};

const RESEALED_AT_ONCE_MAX = 100;

/** Refused: `host_not_allowed`. */
export function connectIntegration(
  { authority, sealer, outbound }: IntegrationDeps,
  call: CommandCall,
  request: ConnectIntegrationRequest,
): Promise<CommandReply> {
  return authority.execute<ConnectIntegrationResponse>(call, request, async (command) => {
    const { org, id } = call.principal;
    const { provider, secret } = request;
    const baseUrl = baseUrlOf(provider, request.baseUrl);
    const refused = refusedHost(outbound, baseUrl);
    if (refused !== undefined) return refused;
    await lockIntegration(command.tx, org, provider);
    const nowMs = command.nowMs();
    const sealed = sealer.seal(secret, sealContext({ org, provider, owner: "", baseUrl }));
    const facts = { provider, base_url: baseUrl, sealing_key_id: sealed.keyId };
    const receipt = command.seal("openagents.control.integration_connected.v1", provider, facts, nowMs);
    const integration: Integration = {
      org,
      provider,
      owner: "",
      baseUrl,
      sealed,
      secretHint: hintOf(secret),
      checkStatus: "unchecked",
      account: undefined,
      checkedAtMs: undefined,
      connectedAtMs: nowMs,
      connectedBy: id,
      receiptId: receipt.receipt_id,
    };
    return {
      kind: "answer",
      output: { integration: integrationMessage(integration) },
      writes: [upsertIntegration(integration)],
    };
  });
}

/** Refused: `not_connected`. The call goes out before the transaction, and changes nothing where it goes. */
export async function checkIntegration(
  { db, authority, sealer, outbound }: IntegrationDeps,
  call: CommandCall,
  request: CheckIntegrationRequest,
): Promise<CommandReply> {
  const { org } = call.principal;
  const { provider } = request;
  const asked = await findIntegration(db, org, provider);
  const check =
    asked === undefined
      ? undefined
      : await checkSecret(
          outbound,
          provider,
          asked.baseUrl,
          sealer.open(asked.sealed, sealContext(asked)),
          call.signal,
        );
  return authority.execute<CheckIntegrationResponse>(call, request, async (command) => {
    const found = await lockIntegration(command.tx, org, provider);
    if (found === undefined) return notConnected(provider);
    if (check === undefined || found.receiptId !== asked?.receiptId) throw changedMeanwhile(provider);
    const checked: Integration = {
      ...found,
      checkStatus: check.status,
      account: check.account,
      checkedAtMs: command.nowMs(),
    };
    return {
      kind: "answer",
      output: { integration: integrationMessage(checked), detail: check.detail },
      writes: [upsertIntegration(checked)],
    };
  });
}

/** Refused: `not_connected`. */
export function disconnectIntegration(
  { authority }: IntegrationDeps,
  call: CommandCall,
  request: DisconnectIntegrationRequest,
): Promise<CommandReply> {
  return authority.execute<DisconnectIntegrationResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const { provider } = request;
    const found = await lockIntegration(command.tx, org, provider);
    if (found === undefined) return notConnected(provider);
    const facts = { provider, connected_receipt_id: found.receiptId };
    const schema = "openagents.control.integration_disconnected.v1";
    const receipt = command.seal(schema, provider, facts, command.nowMs());
    return {
      kind: "answer",
      output: { receiptId: receipt.receipt_id },
      writes: [deleteIntegration(org, provider)],
    };
  });
}

export function resealIntegrations(
  { authority, sealer }: IntegrationDeps,
  call: CommandCall,
): Promise<CommandReply> {
  return authority.perform<ResealIntegrationsResponse>(call, async ({ tx }) => {
    const found = await lockSealedOtherwise(tx, sealer.keyId, RESEALED_AT_ONCE_MAX + 1);
    const all = found.slice(0, RESEALED_AT_ONCE_MAX).map((of) => {
      const context = sealContext(of);
      return { of, sealed: sealer.seal(sealer.open(of.sealed, context), context) };
    });
    const output = { resealed: all.length, more: found.length > RESEALED_AT_ONCE_MAX };
    return { kind: "answer", output, writes: all.length === 0 ? [] : [resealed(all)] };
  });
}

function baseUrlOf(provider: IntegrationProvider, given: string | undefined): string {
  const text = given ?? DEFAULT_BASE_URL[provider];
  if (text === undefined)
    throw invalidField(
      "base_url",
      "required",
      `Name the address of your ${provider}: everyone has their own.`,
    );
  if (!URL.canParse(text) || /[?#]/.test(text))
    throw invalidField("base_url", "wrong_format", "It is not the address of an API.");
  return text.replace(/\/+$/, "");
}

function refusedHost(outbound: Outbound, baseUrl: string): Refusal | undefined {
  try {
    outbound.assertAllowed(baseUrl);
    return undefined;
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    const detail = `${error.message} Name an https address on the public internet.`;
    return { kind: "refused", rule: "policy", reason: "host_not_allowed", detail };
  }
}

function notConnected(provider: IntegrationProvider): Refusal {
  const detail = `${provider} is not connected in your organisation. Connect it first.`;
  return { kind: "refused", rule: "state", reason: "not_connected", detail };
}

function changedMeanwhile(provider: IntegrationProvider): ProblemError {
  const detail = `${provider} was connected anew while it was called. Check it again.`;
  return new ProblemError({ status: 409, code: "integration_changed", detail });
}
