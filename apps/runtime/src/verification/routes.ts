import { Verification, bind, type Binding } from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { findJob } from "../jobs/index.ts";
import { findWorker, isOwnedBy } from "../workers/index.ts";
import { reviewVerification } from "./review.ts";
import { verifySandboxRun, type VerificationDeps } from "./service.ts";
import { findReview, findVerification } from "./store.ts";
import { verificationMessage } from "./wire.ts";

export function verificationRoutes(deps: VerificationDeps): Binding {
  return bind(Verification, {
    verifySandboxRun: (request, call) => verifySandboxRun(deps, call, request),
    reviewVerification: (request, call) => reviewVerification(deps, call, request),

    // The buyer sees the verdict, and so does whoever did the work: it says why it was not paid.
    async getVerification(request, call) {
      const job = await findJob(deps.db, request.jobId);
      if (job === undefined) throw notFound("job", request.jobId);
      if (job.org !== call.principal.org) {
        const worker = await findWorker(deps.db, job.providerWorkerId);
        if (!isOwnedBy(worker, call.principal)) throw notFound("job", request.jobId);
      }
      const verification = await findVerification(deps.db, request.jobId);
      if (verification === undefined) throw notFound("verification", request.jobId);
      return { verification: verificationMessage(verification, await findReview(deps.db, request.jobId)) };
    },
  });
}
