// From a reported job to its final verdict, with the second run that somebody
// else makes of it.

import type { VerificationResult } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import { awaitReport } from "./await-report.ts";
import { isRefusedAs } from "./executor.ts";
import { orderKey } from "./order.ts";
import type { Buyer, Session } from "./session.ts";

/** How often one and the same second run is waited for, which takes minutes when its provider is away. */
const WAITS_MAX = 3;

/** The final verdict on the current order's job, kept in the journal. Throws what `awaitVerdict` throws. */
export function verify(session: Session, jobId: string): Promise<VerificationResult> {
  return awaitVerdict(session, jobId, orderKey(session), async (verification) => {
    // In one write: a final verdict is not looked at again.
    const failed = isUnconfirmed(verification);
    await session.journal.saveOrder({ verification, ...(failed ? { failed } : {}) });
  });
}

/**
 * The final verdict, after somebody else has run the work again where the quote
 * says so. As many are waited for as the runtime asks; throws `second_opinion_stuck`
 * when one of them neither ends nor is replaced.
 */
export async function awaitVerdict(
  buyer: Buyer,
  jobId: string,
  key: string,
  keep: (verification: VerificationResult) => Promise<void>,
): Promise<VerificationResult> {
  const { steps } = buyer;
  const waits = new Map<string, number>();
  // An answer that orders a second run is kept under its key, so what follows is asked for under another. One
  // that only says who is waited for is not kept: the same key asks afresh, also in a later process.
  let after = "first";
  for (;;) {
    const { verification, secondJob } = await steps.step(
      "verify",
      async () => {
        const answer = await askVerdict(buyer, jobId, `${key}:verify:${after}`);
        await keep(answer.verification);
        return answer;
      },
      (made) => describeVerification(made.verification),
    );
    if (verification.status === "final") return verification;
    const secondJobId = secondJob?.jobId ?? verification.secondJobId;
    if (secondJobId === undefined) throw new Error("a second opinion is awaited from nobody");
    const waited = waits.get(secondJobId) ?? 0;
    if (waited >= WAITS_MAX)
      throw new AutopilotError(
        "second_opinion_stuck",
        `The second run ${secondJobId} does not come to an end.`,
      );
    waits.set(secondJobId, waited + 1);
    await awaitSecond(buyer, secondJobId);
    after = secondJobId;
  }
}

/** A repeat answers the same; when somebody else has asked, their verdict. */
async function askVerdict({ clients, pause, signal }: Buyer, jobId: string, idempotencyKey: string) {
  try {
    return await clients.verification.verifySandboxRun({ jobId }, { idempotencyKey, signal });
  } catch (cause) {
    if (!isRefusedAs(cause, "already_verified")) throw cause;
  }
  const read = () => clients.verification.getVerification({ jobId }, { signal });
  return { verification: (await reading(read, signal, pause)).verification, secondJob: undefined };
}

function awaitSecond(buyer: Buyer, secondJobId: string): Promise<unknown> {
  return buyer.steps.step(
    "second",
    (say) =>
      awaitReport(buyer, secondJobId, say).catch((cause: unknown) => {
        // Lost by its provider: the next verification finds another, or says that there is none.
        if (cause instanceof AutopilotError && cause.code.startsWith("job_")) return undefined;
        throw cause;
      }),
    (done) => {
      if (done === undefined) return "the second provider is away";
      return done.failure === undefined ? "the second run is reported" : `it could not: ${done.failure.code}`;
    },
  );
}

/** Whether the first report came to nothing only because nobody's run of it gave an answer. */
function isUnconfirmed(verification: VerificationResult): boolean {
  const { status, verdict, disagreement, violations, secondJobId } = verification;
  const isUndisputed = !disagreement && violations.length === 0;
  return status === "final" && verdict === "inconclusive" && isUndisputed && secondJobId !== undefined;
}

function describeVerification(made: VerificationResult): string {
  if (made.proof === "by_equal_bytes") {
    return made.status === "final" ? made.because : `${made.because}; somebody else makes it again`;
  }
  const exits = `base exits ${made.baseExitCode ?? "–"}, patched exits ${made.patchedExitCode ?? "–"}`;
  if (made.status !== "final") return `would be ${made.verdict}; ${exits}; somebody else runs it again`;
  const tests =
    made.testsFixed === undefined ? "" : `, tests fixed ${made.testsFixed}, kept ${made.testsKept ?? 0}`;
  return `${made.verdict}, ${exits}${tests}`;
}
