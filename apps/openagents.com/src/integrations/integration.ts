// What an organisation lets services use in its name elsewhere.
//
// SEC-1  A secret is stored sealed, and goes out to services alone, in the organisation of their token.
// SEC-2  A seal holds for one organisation, one owner, one provider and one address: moved elsewhere it does not open.
// SEC-3  While a key is changed both open, and nothing is lost; sealed anew, the older key can go.
// SEC-4  Nothing but the public internet is called with a secret, and no redirect carries it on.
// Held by tests/integrations.pg.test.ts and seal.test.ts.

import type {
  Integration as IntegrationMessage,
  IntegrationCheckStatus,
  IntegrationProvider,
} from "@openagents/contracts";
import type { Sealed } from "./seal.ts";

/** Where mailboxes are: their secrets are a person's, not an organisation's. */
export type MailProvider = "gmail" | "imap";

export type SecretProvider = IntegrationProvider | MailProvider;

export type Integration<Provider extends SecretProvider = IntegrationProvider> = {
  readonly org: string;
  readonly provider: Provider;
  /** Whose it is within the organisation; empty for the organisation's own. */
  readonly owner: string;
  /** Of the provider's API, without a slash at its end. */
  readonly baseUrl: string;
  readonly sealed: Sealed;
  readonly secretHint: string;
  readonly checkStatus: IntegrationCheckStatus;
  readonly account: string | undefined;
  readonly checkedAtMs: number | undefined;
  readonly connectedAtMs: number;
  readonly connectedBy: string;
  readonly receiptId: string;
};

/** What a seal is bound to; whoever changes one of these has to have the secret. */
export function sealContext(
  of: Pick<Integration<SecretProvider>, "org" | "provider" | "owner" | "baseUrl">,
): string {
  const owner = of.owner === "" ? [] : [of.owner];
  return ["openagents.integration.v1", of.org, of.provider, of.baseUrl, ...owner].join("\n");
}

/** Enough to recognise a secret by, and only of one that is long enough to stay one. */
export function hintOf(secret: string): string {
  return secret.length < 16 ? "" : secret.slice(-4);
}

export function integrationMessage(integration: Integration): IntegrationMessage {
  return {
    provider: integration.provider,
    baseUrl: integration.baseUrl,
    secretHint: integration.secretHint,
    checkStatus: integration.checkStatus,
    account: integration.account,
    checkedAt: integration.checkedAtMs,
    connectedAt: integration.connectedAtMs,
    connectedBy: integration.connectedBy,
    receiptId: integration.receiptId,
  };
}
