// The port to a Lightning node. Who holds money writes against it; adapters
// (`lnd/`, …) hold it against real nodes.
//
// Every amount is whole msats and every hash lower-case hex. A node is another
// process: a reply can be lost after the deed is done. So whatever moves money
// is named by something that the caller chose before (the payment hash, the
// preimage), repeats do nothing twice, and an outcome that nobody heard is
// `unknown`, never `failed`.

import type { Description, Invoice, Network } from "./bolt11/index.ts";

/** What a node says of itself. */
export type NodeInfo = {
  readonly network: Network;
  /** Compressed public key, 66 hex digits. */
  readonly nodeId: string;
  readonly alias: string;
  readonly version: string;
  /** Whether it has the whole chain; before that its balances may be old. */
  readonly syncedToChain: boolean;
  readonly blockHeight: number;
};

export type NodeBalance = {
  /** In our open channels, ours to send; part of it is reserve that no payment can use. */
  readonly localMsats: bigint;
  /** In our open channels, the peers'; as much can come in at most. */
  readonly inboundMsats: bigint;
  /** Ours, but in payments on their way and in channels that open or close. */
  readonly pendingMsats: bigint;
  readonly onchainConfirmedSats: bigint;
  readonly onchainUnconfirmedSats: bigint;
};

export type NodeChannel = {
  /** Transaction id and output of the funding, `txid:index`. */
  readonly channelPoint: string;
  readonly peer: string;
  readonly isActive: boolean;
  readonly capacitySats: bigint;
  readonly localMsats: bigint;
  readonly inboundMsats: bigint;
};

/** An invoice to be made. */
export type InvoiceRequest = {
  /** `undefined` leaves the amount to the payer. */
  readonly amountMsats: bigint | undefined;
  readonly description: Description;
  readonly expirySeconds: number;
  /**
   * 32 bytes in hex, secret until the invoice is paid. The caller derives it from what the invoice is for,
   * so that asking again finds the same invoice instead of making a second one.
   */
  readonly preimage: string;
};

/** An invoice of ours as the node has it. */
export type InvoiceState = {
  readonly paymentHash: string;
  readonly text: string;
  /** `accepted`: paid in, not taken yet. `settled` is final and so is `canceled`, which an expired one becomes. */
  readonly status: "open" | "accepted" | "settled" | "canceled";
  /** What came in, which may exceed what was asked; 0 until settled. */
  readonly receivedMsats: bigint;
  /** Counts the node's settled invoices from 1; 0 until settled. */
  readonly settleIndex: bigint;
  readonly settledAtMs: number | undefined;
};

export type SettledInvoice = InvoiceState & { readonly status: "settled"; readonly settledAtMs: number };

/** A payment to be made, at most once. The invoice's payment hash names it. */
export type PaymentIntent = {
  /** The invoice in bech32. */
  readonly bolt11: string;
  /** For an invoice that leaves the amount to the payer, and only there. */
  readonly amountMsats?: bigint;
  /** The node gives up rather than pay more than this in fees. */
  readonly maxFeeMsats: bigint;
  /** Time after which the node starts no further attempt. Parts under way may take hours longer. */
  readonly timeoutMs: number;
};

/** Why a node says that a payment can no longer succeed. */
export type PaymentFailure =
  /** No route with enough money at that fee. */
  | "no_route"
  /** The time for attempts is over and no part is under way. */
  | "timeout"
  /** Our own channels hold too little. */
  | "insufficient_balance"
  /** The payee refuses: unknown hash, wrong amount, already paid, expired. */
  | "refused_by_payee"
  /** Our node refuses before the first attempt: expired, to itself, malformed for it. */
  | "refused_by_node"
  /** Canceled at our node. */
  | "canceled"
  /** The node gives no reason or one that we do not know. It is final all the same. */
  | "unspecified";

export type SucceededPayment = {
  readonly status: "succeeded";
  /** Hashes to the payment hash: checked. It is the proof of payment, and in L402 a credential. */
  readonly preimage: string;
  /** Without the fee. */
  readonly amountMsats: bigint;
  readonly feeMsats: bigint;
};

export type FailedPayment = {
  readonly status: "failed";
  readonly reason: PaymentFailure;
  /** The node's own words, for operators. */
  readonly detail: string;
};

/** How a payment ended, as far as anybody can say. */
export type PaymentOutcome =
  | SucceededPayment
  | FailedPayment
  /** It may still be paid or be paid already. Ask `trackPayment` until it knows; never pay anew. */
  | { readonly status: "unknown"; readonly because: string };

/** What the node knows of a payment. */
export type PaymentState =
  | SucceededPayment
  | FailedPayment
  | { readonly status: "in_flight" }
  /**
   * The node has never heard of it. That is no failure yet: a request of ours may still be on its way for
   * `strayRequestMs`. After that time it will never be paid without a new call.
   */
  | { readonly status: "not_found" };

/** A payment of the node's own list. */
export type ListedPayment = {
  /** Grows with each payment; the cursor of `listPayments`. */
  readonly index: bigint;
  readonly paymentHash: string;
  readonly createdAtMs: number;
  readonly amountMsats: bigint;
  readonly state: Exclude<PaymentState, { status: "not_found" }>;
};

export type OnchainRequest = {
  readonly address: string;
  readonly amountSats: bigint;
  /** Whole sats for each virtual byte. */
  readonly satsPerVbyte: number;
  /** How long the quote's inputs stay reserved for it. */
  readonly lockMs: number;
};

/**
 * A transaction that is fixed but not sent. Keep all of it: it is what
 * `commitOnchain` takes, also after a restart.
 */
export type OnchainQuote = {
  readonly address: string;
  readonly amountSats: bigint;
  readonly feeSats: bigint;
  /** Known before anything is sent, so what became of it can always be looked up. */
  readonly txid: string;
  /** After this its inputs may go elsewhere, and committing may fail. */
  readonly lockedUntilMs: number;
  /** BIP 174, base64, unsigned. */
  readonly psbt: string;
};

export type OnchainOutcome =
  /** Handed to the network; it is in a block later, or never. */
  | { readonly status: "sent"; readonly txid: string }
  /** The node refuses it and does not have it. Only committing the same quote again could still send it. */
  | { readonly status: "failed"; readonly detail: string }
  /** Commit the same quote again: it is sent at most once. */
  | { readonly status: "unknown"; readonly because: string };

export type FeeEstimate =
  | { readonly kind: "route"; readonly feeMsats: bigint }
  | { readonly kind: "none"; readonly reason: PaymentFailure };

/**
 * A Lightning node.
 *
 * Reads throw LightningError when the node does not answer, and change
 * nothing. Everything that waits stops with the signal, where one is given.
 */
export interface LightningNode {
  /** How long after a call of ours a lost request of it may still reach the node; 0 for a node in this process. */
  readonly strayRequestMs: number;

  info(): Promise<NodeInfo>;
  balance(): Promise<NodeBalance>;
  listChannels(): Promise<readonly NodeChannel[]>;
  /** A fresh address of the node's on-chain wallet. */
  newAddress(): Promise<string>;
  /** Choose inputs and fee for an on-chain payment and lock them. Sends nothing. */
  quoteOnchain(request: OnchainRequest): Promise<OnchainQuote>;
  /** Sign and publish exactly the quote's transaction; a repeat publishes the same one. */
  commitOnchain(quote: OnchainQuote): Promise<OnchainOutcome>;

  /** Read an invoice; no node is asked. Throws Bolt11Error, also for another network than the node's. */
  decode(bolt11: string): Invoice;

  /**
   * Make an invoice, or find the one made before with this preimage. Throws
   * LightningError `invoice_exists` when that one asks for something else.
   */
  createInvoice(request: InvoiceRequest): Promise<Invoice>;
  lookupInvoice(paymentHash: string): Promise<InvoiceState | undefined>;
  /**
   * Settled invoices in the order of their settle index, each once, from the
   * one after `afterIndex` on, and then as they settle. Ends by throwing
   * LightningError when the node goes away; call again with the last index seen.
   */
  subscribeInvoices(afterIndex: bigint, signal: AbortSignal): AsyncIterable<SettledInvoice>;

  /** What paying would cost in fees now: sends a probe that cannot be paid. */
  probeFee(bolt11: string, amountMsats?: bigint): Promise<FeeEstimate>;
  /**
   * Pay an invoice and wait for the end. A repeat while the payment is under way
   * joins it, after it succeeded returns the same success, and after it failed
   * tries again. Throws before anything is sent (Bolt11Error, LightningError
   * `amount_refused`); from then on answers, and `unknown` whenever the node's
   * last word did not arrive. After an `unknown` a repeat can overtake the first
   * request, so its `failed` counts only once `strayRequestMs` have passed.
   */
  pay(intent: PaymentIntent, signal?: AbortSignal): Promise<PaymentOutcome>;
  /** What became of a payment. With `waitMs`, waits so long for an end while it is in flight. */
  trackPayment(paymentHash: string, options?: { readonly waitMs?: number }): Promise<PaymentState>;
  /** Payments after that index, oldest first, at most `limit`. */
  listPayments(afterIndex: bigint, limit: number): Promise<readonly ListedPayment[]>;
}

export type LightningErrorCode =
  /** No answer, or one that broke off. What was asked may have been done. */
  | "node_unreachable"
  /** The node answered with an error of its own. */
  | "node_refused"
  /** The credentials do not allow it, or have lapsed. */
  | "node_forbids"
  /** An answer that is not what this node's interface promises. */
  | "node_answer_malformed"
  | "invoice_exists"
  /** An amount where the invoice has one, none where it has none, or not a positive one. */
  | "amount_refused";

export class LightningError extends Error {
  readonly code: LightningErrorCode;

  constructor(code: LightningErrorCode, problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.name = "LightningError";
    this.code = code;
  }
}
