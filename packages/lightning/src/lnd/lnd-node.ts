// The port to a Lightning node, over lnd's REST interface.

import { decodeInvoice, type Invoice, type Network } from "../bolt11/index.ts";
import {
  LightningError,
  type FeeEstimate,
  type LightningNode,
  type NodeBalance,
  type NodeChannel,
  type NodeInfo,
  type PaymentIntent,
} from "../node.ts";
import { listOf, malformed, msatsOf, numberOf, objectOf, textOf, wholeOf } from "./fields.ts";
import { createLndInvoice, lookupLndInvoice, settledLndInvoices } from "./invoices.ts";
import { commitByLnd, quoteByLnd } from "./onchain.ts";
import { payByLnd, trackByLnd } from "./pay.ts";
import { failureOf, listedPaymentOf } from "./payment.ts";
import { LndError, LndRest } from "./rest.ts";

export type LndConfig = {
  /** `https://host:port`, where lnd's `restlisten` is. */
  readonly url: string;
  /** lnd's `tls.cert` in PEM. No other certificate is believed. */
  readonly tlsCert: string;
  /** Binary. Enough rights for what is called: info, invoices, address, off-chain, on-chain. */
  readonly macaroon: Uint8Array;
  readonly network: Network;
  /** How long lnd takes a request after we made it; needs clocks that agree that well. Default a minute. */
  readonly requestLifeMs?: number;
  readonly nowMs?: () => number;
};

export type LndNode = LightningNode & Disposable;

const REQUEST_LIFE_MS_DEFAULT = 60_000;
const PROBE_SECONDS = 30;

/** An lnd node (tested with 0.20). Opens connections as they are needed; dispose closes them. */
export function openLnd(config: LndConfig): LndNode {
  const { network, requestLifeMs = REQUEST_LIFE_MS_DEFAULT, nowMs = Date.now } = config;
  const rest = new LndRest({ ...config, requestLifeMs, nowMs });
  const get = async (path: string) => objectOf(await rest.call("GET", path), "answer");
  const decode = (bolt11: string) => decodeInvoice(bolt11, network);

  return {
    strayRequestMs: requestLifeMs,
    [Symbol.dispose]: () => rest[Symbol.dispose](),

    async info(): Promise<NodeInfo> {
      const info = await get("/v1/getinfo");
      const chain = listOf(info, "chains")[0]?.["network"];
      if (chain !== network)
        throw new LightningError("node_refused", `the node is on ${String(chain)}, not on ${network}`);
      return {
        network,
        nodeId: textOf(info, "identity_pubkey"),
        alias: textOf(info, "alias"),
        version: textOf(info, "version"),
        syncedToChain: info["synced_to_chain"] === true,
        blockHeight: numberOf(info, "block_height"),
      };
    },

    async balance(): Promise<NodeBalance> {
      const [channels, wallet, pending] = await Promise.all([
        get("/v1/balance/channels"),
        get("/v1/balance/blockchain"),
        get("/v1/channels/pending"),
      ]);
      return {
        localMsats: msatsOf(channels, "local_balance"),
        inboundMsats: msatsOf(channels, "remote_balance"),
        pendingMsats:
          msatsOf(channels, "unsettled_local_balance") +
          msatsOf(channels, "pending_open_local_balance") +
          wholeOf(pending, "total_limbo_balance") * 1_000n,
        onchainConfirmedSats: wholeOf(wallet, "confirmed_balance"),
        onchainUnconfirmedSats: wholeOf(wallet, "unconfirmed_balance"),
      };
    },

    async listChannels(): Promise<NodeChannel[]> {
      return listOf(await get("/v1/channels"), "channels").map((channel) => ({
        channelPoint: textOf(channel, "channel_point"),
        peer: textOf(channel, "remote_pubkey"),
        isActive: channel["active"] === true,
        capacitySats: wholeOf(channel, "capacity"),
        localMsats: wholeOf(channel, "local_balance") * 1_000n,
        inboundMsats: wholeOf(channel, "remote_balance") * 1_000n,
      }));
    },

    newAddress: async () => textOf(await get("/v1/newaddress?type=TAPROOT_PUBKEY"), "address"),
    quoteOnchain: (request) => quoteByLnd(rest, request, nowMs),
    commitOnchain: (quote) => commitByLnd(rest, quote),
    decode,
    createInvoice: (request) => createLndInvoice(rest, network, request),
    lookupInvoice: (paymentHash) => lookupLndInvoice(rest, paymentHash),
    subscribeInvoices: (afterIndex, signal) => settledLndInvoices(rest, afterIndex, signal),

    async probeFee(bolt11, amountMsats): Promise<FeeEstimate> {
      const invoice = decode(bolt11);
      return await probe(rest, invoice, amountOf(invoice, amountMsats));
    },

    async pay(intent: PaymentIntent, signal) {
      const invoice = decode(intent.bolt11);
      amountOf(invoice, intent.amountMsats);
      if (intent.maxFeeMsats < 0n) throw new LightningError("amount_refused", "a fee limit is not negative");
      return await payByLnd(rest, invoice, intent, signal);
    },

    trackPayment: (paymentHash, options = {}) =>
      trackByLnd(rest, paymentHash, options.waitMs === undefined ? {} : { timeoutMs: options.waitMs }),

    async listPayments(afterIndex, limit) {
      const path = `/v1/payments?include_incomplete=true&index_offset=${afterIndex}&max_payments=${limit}`;
      return listOf(await get(path), "payments").map(listedPaymentOf);
    },
  };
}

/** What is to be paid: the invoice's amount, or the caller's where the invoice leaves it open. */
function amountOf(invoice: Invoice, given: bigint | undefined): bigint {
  if (invoice.amountMsats !== undefined && given !== undefined)
    throw new LightningError("amount_refused", "the invoice names its amount; give none");
  const amountMsats = invoice.amountMsats ?? given;
  if (amountMsats === undefined || amountMsats < 1n)
    throw new LightningError("amount_refused", "the invoice leaves the amount open; give a positive one");
  return amountMsats;
}

async function probe(rest: LndRest, invoice: Invoice, amountMsats: bigint): Promise<FeeEstimate> {
  // Only an invoice with an amount can be probed; otherwise lnd estimates from its graph, in whole sats.
  const body =
    invoice.amountMsats === undefined
      ? {
          dest: Buffer.from(invoice.payee, "hex").toString("base64"),
          amt_sat: String((amountMsats + 999n) / 1_000n),
        }
      : { payment_request: invoice.text, timeout: PROBE_SECONDS };
  try {
    const path = "/v2/router/route/estimatefee";
    const answer = objectOf(
      await rest.call("POST", path, body, { timeoutMs: 2 * PROBE_SECONDS * 1_000 }),
      "estimate",
    );
    const reason = answer["failure_reason"] ?? "FAILURE_REASON_NONE";
    if (typeof reason !== "string") throw malformed("failure_reason");
    if (reason === "FAILURE_REASON_NONE")
      return { kind: "route", feeMsats: wholeOf(answer, "routing_fee_msat") };
    return { kind: "none", reason: failureOf(reason).reason };
  } catch (error) {
    if (error instanceof LndError && /unable to find a path|insufficient/i.test(error.message))
      return {
        kind: "none",
        reason: /insufficient/i.test(error.message) ? "insufficient_balance" : "no_route",
      };
    throw error;
  }
}
