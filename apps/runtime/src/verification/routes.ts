import { Verification, bind, type Binding } from "@openagents/contracts";
import { findJob } from "../jobs/index.ts";
import { notFound } from "../problems.ts";
import { reviewVerification } from "./review.ts";
import { verifySandboxRun, type VerificationDeps } from "./service.ts";
import { findReview, findVerification } from "./store.ts";
import { verificationMessage } from "./wire.ts";

export function verificationRoutes(deps: VerificationDeps): Binding {
  return bind(Verification, {
    verifySandboxRun: (request, call) => verifySandboxRun(deps, call, request),
    reviewVerification: (request, call) => reviewVerification(deps, call, request),

    async getVerification(request, call) {
      const job = await findJob(deps.db, request.jobId);
      if (job === undefined || job.org !== call.principal.org) throw notFound("job", request.jobId);
      const verification = await findVerification(deps.db, request.jobId);
      if (verification === undefined) throw notFound("verification", request.jobId);
      return { verification: verificationMessage(verification, await findReview(deps.db, request.jobId)) };
    },
  });
}
