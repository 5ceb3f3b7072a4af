import { Commerce, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { findIncident } from "../fraud/index.ts";
import { findJobByQuote } from "../jobs/index.ts";
import { findQuote } from "../marketplace/index.ts";
import { findReservation } from "../reservations/index.ts";
import { findSettlement, settlementMessage } from "../treasury/index.ts";
import { findVerification } from "../verification/index.ts";
import { commerceMessages } from "./messages.ts";

export function commerceRoutes({ db }: { readonly db: Database }): Binding {
  return bind(Commerce, {
    async listCommerceMessages({ quoteId }, call) {
      const { org } = call.principal;
      const quote = await findQuote(db, org, quoteId);
      if (quote === undefined) throw notFound("quote", quoteId);
      const job = await findJobByQuote(db, quoteId);
      if (job?.reservationId === undefined) {
        const nothing = { reservation: undefined, settlement: undefined, incident: undefined };
        return { messages: commerceMessages({ quote, job: undefined, ...nothing }) };
      }
      const [reservation, settlement, verification] = await Promise.all([
        findReservation(db, org, job.reservationId),
        findSettlement(db, job.jobId),
        findVerification(db, job.jobId),
      ]);
      const incidentId = verification?.incidentId;
      return {
        messages: commerceMessages({
          quote,
          job,
          reservation,
          settlement:
            settlement === undefined
              ? undefined
              : { ...settlementMessage(settlement), receiptId: settlement.receiptId },
          incident: incidentId === undefined ? undefined : await findIncident(db, incidentId),
        }),
      };
    },
  });
}
