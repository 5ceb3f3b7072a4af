// Whether a result that would be paid for is run again, from what is stored. The
// draw rests on the quote alone, so asking again never draws again.

import { decode, encode, rerunDesc, type Rerun } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { canonicalize, parseStrict, type JsonObject } from "@openagents/receipts";
import type { Job } from "../jobs/index.ts";
import { totalPrice, type Quote } from "../marketplace/index.ts";
import { decideRerun, drawOf, findSeed } from "../sampling/index.ts";
import { findAgreeing } from "../standings/index.ts";
import { findWorker } from "../workers/index.ts";

export async function loadRerun(q: Queryable, job: Job, quote: Quote): Promise<Rerun> {
  const { sampling } = quote;
  const worker = await findWorker(q, job.providerWorkerId);
  const seed = sampling === undefined ? undefined : await findSeed(q, sampling.seedId);
  const draw =
    sampling === undefined || seed === undefined
      ? undefined
      : { seedId: seed.seedId, value: drawOf(seed.seed, sampling.nonce, job.jobHash) };
  return decideRerun({
    policy: quote.verificationPolicy,
    agreeingJobs: sampling === undefined ? 0 : await findAgreeing(q, job.providerOrg),
    strikes: worker?.strikes ?? 0,
    zoneTenths: worker?.zoneTenths ?? 10,
    totalPriceMsats: totalPrice(quote),
    draw,
  });
}

export function rerunFacts(rerun: Rerun): JsonObject {
  return encode(rerunDesc, rerun) as JsonObject;
}

export function rerunText(rerun: Rerun): string {
  return canonicalize(rerunFacts(rerun));
}

export function rerunFromText(text: string): Rerun {
  return decode(rerunDesc, parseStrict(text)) as Rerun;
}
