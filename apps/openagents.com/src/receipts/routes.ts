import { findReceipts, signStored, type ReceiptSigner } from "@openagents/authority";
import { ControlReceipts, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import type { FindInclusion } from "../transparency/index.ts";

/** The receipts of this service's own commands: of devices, keys, members, approvals, tools. */
export function receiptRoutes({
  db,
  signer,
  findInclusion,
}: {
  readonly db: Database;
  readonly signer: ReceiptSigner;
  readonly findInclusion: FindInclusion;
}): Binding {
  return bind(ControlReceipts, {
    async getControlReceipt({ receiptId }, { principal, signal }) {
      // Some are a person's own, and no organisation's.
      const found = await findReceipts(db, [
        { tenant: principal.org, receiptId },
        { tenant: principal.id, receiptId },
      ]);
      const stored = found.find((each) => each !== undefined);
      if (stored === undefined) throw notFound("receipt", receiptId);
      const signed = signStored(signer, stored.body);
      const inclusion = await findInclusion(signed.signature.signedSha256, signal);
      return inclusion === undefined ? signed : { ...signed, inclusion };
    },

    async getControlSigner() {
      return {
        service: "control_service",
        scheme: "secp256k1_schnorr_no_aux_rand",
        publicKey: signer.publicKey,
      };
    },
  });
}
