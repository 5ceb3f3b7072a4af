// What became of a quote, as commerce messages. Pure: the same facts give the
// same messages with the same ids, whoever mirrors them and how often.

import {
  commerceAcceptDesc,
  commerceCancelDesc,
  commerceDisputeDesc,
  commerceOfferDesc,
  commerceQuoteDesc,
  commerceReceiptDesc,
  commerceRefundDesc,
  commerceRfqDesc,
  encode,
  type CommerceFee,
  type CommerceMessage,
  type MessageDesc,
  type Settlement,
} from "@openagents/contracts";
import { canonicalize, sha256Hex } from "@openagents/receipts";
import type { Incident } from "../fraud/index.ts";
import type { Job } from "../jobs/index.ts";
import { totalPrice, type Quote } from "../marketplace/index.ts";
import type { Reservation } from "../reservations/index.ts";

/** A quote and what followed; what did not come about is undefined. */
export type Deal = {
  readonly quote: Quote;
  readonly job: Job | undefined;
  readonly reservation: Pick<Reservation, "amountMsats" | "status"> | undefined;
  readonly settlement: (Settlement & { readonly receiptId: string }) | undefined;
  readonly incident: Incident | undefined;
};

const MARKETPLACE = "openagents";
const OPERATOR = "operator";

export function commerceMessages(deal: Deal): CommerceMessage[] {
  const { quote, job, settlement, incident } = deal;
  const buyer = quote.org;
  const rfqId = `rfq_${quote.quoteId.slice(4)}`;
  const offerId = `offer_${quote.quoteId.slice(4)}`;
  const provider = quote.providerWorkerId;
  const rfq = { rfqId, buyerId: buyer, jobType: quote.capability, objectiveHash: quote.jobHash };
  const offer = { offerId, rfqId, providerId: provider, price: msats(quote.priced.priceMsats) };
  const offered = {
    quoteId: quote.quoteId,
    rfqId,
    offerId,
    providerId: provider,
    providerPrice: msats(quote.priced.priceMsats),
    fees: quotedFees(quote),
    totalPrice: msats(totalPrice(quote)),
    validUntil: quote.validUntilMs,
    cancelFee: msats(0n),
    quoteSha256: quote.quoteSha256,
  };
  const say = messenger(quote.issuedAtMs);
  const messages = [
    { ...say("rfq", buyer, commerceRfqDesc, rfq), rfq },
    { ...say("offer", provider, commerceOfferDesc, offer), offer },
    { ...say("quote", OPERATOR, commerceQuoteDesc, offered), quote: offered },
  ];
  return job === undefined
    ? messages
    : [
        ...messages,
        ...ordered(deal, job),
        ...(incident === undefined ? [] : [dispute(incident)]),
        ...(settlement === undefined ? [] : settled(deal, settlement)),
        ...(job.status === "canceled" ? canceled(deal, job) : []),
      ];
}

function ordered({ quote }: Deal, job: Job): CommerceMessage[] {
  const accept = {
    orderId: job.jobId,
    quoteId: quote.quoteId,
    buyerId: quote.org,
    reservedTotal: msats(totalPrice(quote)),
  };
  return [{ ...messenger(job.createdAtMs)("accept", quote.org, commerceAcceptDesc, accept), accept }];
}

function dispute(incident: Incident): CommerceMessage {
  const { incidentId, jobId, kind, status } = incident;
  const body = { disputeId: incidentId, orderId: jobId, claim: kind, status };
  const say = messenger(incident.decidedAtMs ?? incident.openedAtMs);
  return { ...say("dispute", OPERATOR, commerceDisputeDesc, body), dispute: body };
}

function settled(
  { quote, reservation }: Deal,
  settlement: Settlement & { readonly receiptId: string },
): CommerceMessage[] {
  const charged = settlement.providerMsats + settlement.secondOpinionMsats + settlement.operatorFeeMsats;
  const receipt = {
    receiptId: settlement.receiptId,
    orderId: settlement.jobId,
    quoteId: quote.quoteId,
    providerId: quote.providerWorkerId,
    buyerId: quote.org,
    chargedTotal: msats(charged),
    fees: fees([
      ["operator_fee", settlement.operatorFeeMsats],
      ["second_run", settlement.secondOpinionMsats],
    ]),
    runId: quote.runId,
    objectiveHash: quote.jobHash,
    verificationReceiptId: settlement.verificationReceiptId,
    outcome: settlement.status,
  };
  const say = messenger(settlement.settledAt);
  const messages: CommerceMessage[] = [
    { ...say("receipt", OPERATOR, commerceReceiptDesc, receipt), receipt },
  ];
  const left = (reservation?.amountMsats ?? charged) - charged;
  if (left > 0n) {
    const reason = settlement.withheldReason ?? "less_than_reserved";
    messages.push(refund(settlement.jobId, reason, left, settlement.settledAt));
  }
  return messages;
}

function canceled({ quote, reservation }: Deal, job: Job): CommerceMessage[] {
  const cancel = { orderId: job.jobId, cancelFeeCharged: msats(0n) };
  const say = messenger(job.updatedAtMs);
  const message = { ...say("cancel", quote.org, commerceCancelDesc, cancel), cancel };
  if (reservation?.status !== "voided") return [message];
  return [message, refund(job.jobId, "canceled", reservation.amountMsats, job.updatedAtMs)];
}

function refund(orderId: string, reason: string, amountMsats: bigint, atMs: number): CommerceMessage {
  const body = { refundId: `refund_${orderId.slice(4)}`, orderId, reason, amount: msats(amountMsats) };
  return { ...messenger(atMs)("refund", OPERATOR, commerceRefundDesc, body), refund: body };
}

/** An envelope for a body: its id is made of the kind and of what the body says. */
function messenger(createdAt: number) {
  return <Body>(kind: string, actorId: string, desc: MessageDesc<Body>, body: Body) => {
    const canonicalSha256 = sha256Hex(canonicalize(encode(desc, body)));
    return {
      messageId: `${kind}_${canonicalSha256.slice(0, 32)}`,
      marketplaceId: MARKETPLACE,
      actorId,
      createdAt,
      canonicalSha256,
    };
  };
}

function quotedFees({ priced, secondOpinion }: Quote): CommerceFee[] {
  const second = secondOpinion === undefined ? 0n : secondOpinion.priceMsats;
  return fees([
    ["operator_fee", priced.feeMsats + (secondOpinion?.feeMsats ?? 0n)],
    ["policy_adder", priced.adderMsats],
    ["second_run", second],
  ]);
}

function fees(parts: readonly (readonly [string, bigint])[]): CommerceFee[] {
  return parts
    .filter(([, amount]) => amount > 0n)
    .map(([component, amount]) => ({ component, amount: msats(amount) }));
}

function msats(amount: bigint) {
  return { currency: "msats", amount };
}
