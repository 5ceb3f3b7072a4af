import {
  findReceipts,
  listReceipts,
  signStored,
  type ReceiptKey,
  type ReceiptSigner,
} from "@openagents/authority";
import { Receipts, bind, type Binding, type LogInclusion } from "@openagents/contracts";
import { gatherReads, type Database } from "@openagents/postgres";
import { decodeCursor, encodeCursor, invalidField, notFound, PAGE_DEFAULT } from "@openagents/service";
import type { PublishedLog, Sequencer } from "../transparency/index.ts";

export type ReceiptRoutesDeps = {
  readonly db: Database;
  readonly signer: ReceiptSigner;
  readonly published: Pick<PublishedLog, "inclusionOf">;
  readonly sequencer: Pick<Sequencer, "nextLook">;
};

/** Looks of the sequencer that a read waits for: some two seconds. */
const LOOKS_MAX = 10;

/** Later than any time that a receipt can tell: RFC 3339 has four digits for the year. */
const TIME_MS_MAX = Date.UTC(10_000, 0, 1);

export function receiptRoutes(deps: ReceiptRoutesDeps): Binding {
  const readReceipt = gatherReads((keys: readonly ReceiptKey[]) => findReceipts(deps.db, keys));
  return bind(Receipts, {
    async getReceipt(request, call) {
      const { principal } = call;
      const { receiptId } = request;
      // Heads of a person's own stream are that person's and no organisation's.
      const stored =
        (await readReceipt({ tenant: principal.org, receiptId })) ??
        (await readReceipt({ tenant: principal.id, receiptId }));
      if (stored === undefined) throw notFound("receipt", request.receiptId);
      const signed = signStored(deps.signer, stored.body);
      const inclusion = await inclusionOf(deps, signed.signature.signedSha256, call.signal);
      return inclusion === undefined ? signed : { ...signed, inclusion };
    },

    async listReceipts(request, call) {
      const limit = request.limit ?? PAGE_DEFAULT;
      const { from, to, cursor } = request;
      if (from !== undefined && to !== undefined && from >= to)
        throw invalidField("to", "span_empty", "`to` must be later than `from`.");
      const found = await listReceipts(deps.db, {
        tenant: call.principal.org,
        fromMs: BigInt(from ?? 0),
        before: cursor === undefined ? { occurredAtMs: BigInt(to ?? TIME_MS_MAX), seq: 0n } : placeOf(cursor),
        limit: limit + 1,
        schema: request.schema,
        subject: request.subject,
      });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        receipts: page.map((stored) => signStored(deps.signer, stored.body)),
        nextCursor: last === undefined ? undefined : encodeCursor(`${last.occurredAtMs}.${last.seq}`),
      };
    },

    async getSigner() {
      return {
        service: "runtime_service",
        scheme: "secp256k1_schnorr_no_aux_rand",
        publicKey: deps.signer.publicKey,
      };
    },
  });
}

/** Waits for a receipt that was committed a moment ago; undefined when it is not logged by then. */
async function inclusionOf(
  { published, sequencer }: ReceiptRoutesDeps,
  hash: string,
  signal: AbortSignal,
): Promise<LogInclusion | undefined> {
  for (let looks = 0; ; looks += 1) {
    const inclusion = await published.inclusionOf(hash);
    if (inclusion !== undefined || looks === LOOKS_MAX || signal.aborted) return inclusion;
    await sequencer.nextLook();
  }
}

function placeOf(cursor: string): { readonly occurredAtMs: bigint; readonly seq: bigint } {
  const [occurredAtMs = "", seq = ""] = decodeCursor(cursor, /^[0-9]{1,15}\.[0-9]{1,18}$/).split(".");
  return { occurredAtMs: BigInt(occurredAtMs), seq: BigInt(seq) };
}
