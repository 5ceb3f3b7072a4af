// Invoices of an lnd node: made once for each preimage, looked up, and told as they settle.

import { setTimeout } from "node:timers/promises";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { decodeInvoice, type Invoice, type Network } from "../bolt11/index.ts";
import { LightningError, type InvoiceRequest, type InvoiceState, type SettledInvoice } from "../node.ts";
import { hashOf, listOf, malformed, numberOf, objectOf, textOf, wholeOf, type Json } from "./fields.ts";
import { LndError, TIMER_MS_MAX, type LndRest } from "./rest.ts";

const PAGE = 500;

export async function createLndInvoice(
  rest: LndRest,
  network: Network,
  request: InvoiceRequest,
): Promise<Invoice> {
  const paymentHash = bytesToHex(sha256(hexToBytes(request.preimage)));
  const { description } = request;
  const body = {
    r_preimage: base64(request.preimage),
    value_msat: String(request.amountMsats ?? 0n),
    expiry: String(request.expirySeconds),
    ...(description.kind === "text"
      ? { memo: description.text }
      : { description_hash: base64(description.sha256) }),
  };
  let text: string;
  try {
    text = textOf(objectOf(await rest.call("POST", "/v1/invoices", body), "invoice"), "payment_request");
  } catch (error) {
    const made = error instanceof LndError ? await lookupLndInvoice(rest, paymentHash) : undefined;
    if (made === undefined) throw error;
    text = made.text;
  }
  const invoice = decodeInvoice(text, network);
  if (invoice.paymentHash !== paymentHash) throw malformed("payment_request");
  if (!asksFor(invoice, request))
    throw new LightningError("invoice_exists", "this preimage has an invoice that asks for something else");
  return invoice;
}

function asksFor(invoice: Invoice, request: InvoiceRequest): boolean {
  const said = invoice.description;
  const wanted = request.description;
  return (
    invoice.amountMsats === request.amountMsats &&
    invoice.expirySeconds === request.expirySeconds &&
    (said.kind === "text"
      ? wanted.kind === "text" && said.text === wanted.text
      : wanted.kind === "hash" && said.sha256 === wanted.sha256)
  );
}

export async function lookupLndInvoice(
  rest: LndRest,
  paymentHash: string,
): Promise<InvoiceState | undefined> {
  try {
    return invoiceStateOf(objectOf(await rest.call("GET", `/v1/invoice/${paymentHash}`), "invoice"));
  } catch (error) {
    if (error instanceof LndError && (error.grpcCode === 5 || /unable to locate invoice/.test(error.message)))
      return undefined;
    throw error;
  }
}

/**
 * lnd replays what settled after an index only when that index is not 0, and
 * does not say when a subscription begins to listen. So the first settled
 * invoices are found by listing; from then on there is an index to follow.
 */
export async function* settledLndInvoices(
  rest: LndRest,
  afterIndex: bigint,
  signal: AbortSignal,
): AsyncGenerator<SettledInvoice> {
  let last = afterIndex;
  try {
    while (last === 0n) {
      for (const invoice of await listSettled(rest, signal)) {
        last = invoice.settleIndex;
        yield invoice;
      }
      if (last === 0n) await setTimeout(LISTING_MS, undefined, { signal });
    }
    const path = `/v1/invoices/subscribe?settle_index=${last}`;
    for await (const update of rest.stream("GET", path, undefined, { timeoutMs: TIMER_MS_MAX, signal })) {
      const state = invoiceStateOf(objectOf(update, "invoice"));
      if (!isSettled(state) || state.settleIndex <= last) continue;
      last = state.settleIndex;
      yield state;
    }
    throw new LightningError("node_unreachable", "lnd ended the subscription");
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

const LISTING_MS = 1_000;

async function listSettled(rest: LndRest, signal: AbortSignal): Promise<SettledInvoice[]> {
  const settled: SettledInvoice[] = [];
  for (let offset = 0n; ;) {
    const path = `/v1/invoices?index_offset=${offset}&num_max_invoices=${PAGE}`;
    const page = objectOf(await rest.call("GET", path, undefined, { signal }), "list of invoices");
    const invoices = listOf(page, "invoices");
    settled.push(...invoices.map(invoiceStateOf).filter(isSettled));
    if (invoices.length < PAGE) break;
    offset = wholeOf(page, "last_index_offset");
  }
  return settled.sort((a, b) => (a.settleIndex < b.settleIndex ? -1 : 1));
}

function isSettled(state: InvoiceState): state is SettledInvoice {
  return state.status === "settled" && state.settledAtMs !== undefined;
}

const STATUS = { OPEN: "open", ACCEPTED: "accepted", SETTLED: "settled", CANCELED: "canceled" } as const;

function invoiceStateOf(json: Json): InvoiceState {
  const name = textOf(json, "state");
  if (!isStatus(name)) throw malformed("state");
  const status = STATUS[name];
  const isDone = status === "settled";
  return {
    paymentHash: hashOf(json, "r_hash"),
    text: textOf(json, "payment_request"),
    status,
    receivedMsats: isDone ? wholeOf(json, "amt_paid_msat") : 0n,
    settleIndex: isDone ? wholeOf(json, "settle_index") : 0n,
    settledAtMs: isDone ? numberOf(json, "settle_date") * 1_000 : undefined,
  };
}

function isStatus(name: string): name is keyof typeof STATUS {
  return Object.hasOwn(STATUS, name);
}

function base64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}
