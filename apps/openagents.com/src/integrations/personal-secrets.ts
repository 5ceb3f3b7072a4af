// Secrets that a person keeps for themselves, sealed beside those of the
// organisation. No route tells them; only what acts for that person opens them.

import type { Queryable, Write } from "@openagents/postgres";
import { sealContext, type MailProvider } from "./integration.ts";
import type { Sealer } from "./seal.ts";
import { deleteIntegration, findPersonal, upsertIntegration } from "./store.ts";

type SecretKey = { readonly org: string; readonly provider: MailProvider; readonly owner: string };

export type PersonalSecrets = {
  /** In place of the one before. `baseUrl` is where it may be used. */
  store(key: SecretKey, secret: StoredSecret): Write;
  /** Undefined where there is none, or another than that of the receipt. */
  find(
    q: Queryable,
    key: SecretKey,
    receiptId: string,
  ): Promise<{ readonly baseUrl: string; readonly secret: string } | undefined>;
  delete(key: SecretKey): Write;
};

type StoredSecret = {
  readonly baseUrl: string;
  readonly secret: string;
  /** At the provider. */
  readonly account: string;
  readonly atMs: number;
  readonly receiptId: string;
};

export function createPersonalSecrets(sealer: Sealer): PersonalSecrets {
  return {
    store: (key, { baseUrl, secret, account, atMs, receiptId }) =>
      upsertIntegration({
        ...key,
        baseUrl,
        sealed: sealer.seal(secret, sealContext({ ...key, baseUrl })),
        // It is recognised by its account.
        secretHint: "",
        checkStatus: "works",
        account,
        checkedAtMs: atMs,
        connectedAtMs: atMs,
        connectedBy: key.owner,
        receiptId,
      }),
    async find(q, { org, provider, owner }, receiptId) {
      const found = await findPersonal(q, org, provider, owner);
      if (found?.receiptId !== receiptId) return undefined;
      return { baseUrl: found.baseUrl, secret: sealer.open(found.sealed, sealContext(found)) };
    },
    delete: ({ org, provider, owner }) => deleteIntegration(org, provider, owner),
  };
}
