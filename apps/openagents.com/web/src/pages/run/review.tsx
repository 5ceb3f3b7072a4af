import { Verification } from "@openagents/contracts";
import type { Outcome } from "@openagents/ui";
import { client } from "../../api.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Panel } from "../../shell/page.tsx";

type ReviewProps = { readonly outcome: Outcome | undefined; readonly done: () => void };

/** A person decides where the check alone does not: the money waits for it. */
export function Review({ outcome, done }: ReviewProps) {
  const { scopes } = useSignedIn();
  if (outcome?.verdict !== "needs_review" || outcome.jobId === undefined || outcome.reviewed !== undefined)
    return null;
  const { jobId } = outcome;
  const because = scopes.has("jobs:verify") ? undefined : "Your role does not decide about patches.";
  return (
    <Panel title="Your review">
      <div className="oa-body stack">
        <p>
          The patch changes what the check itself depends on
          {outcome.reviewPaths.length === 0 ? "" : `: ${outcome.reviewPaths.join(", ")}`}. Look at the diff,
          then decide. Accepting releases the payment; rejecting gives the money back.
        </p>
        <div className="row">
          <CommandButton
            label="Accept the patch"
            title="Accept the patch?"
            explanation="You vouch that the change of the checks is right. The provider is paid."
            ask="Your note, for the receipt"
            confirm="Accept it"
            disabledBecause={because}
            run={(note, idempotencyKey) =>
              client(Verification).reviewVerification(
                { jobId, decision: "accepted", note },
                { idempotencyKey },
              )
            }
            done={done}
          />
          <CommandButton
            label="Reject the patch"
            title="Reject the patch?"
            explanation="The money that is set aside goes back to you."
            ask="Your note, for the receipt"
            confirm="Reject it"
            danger
            disabledBecause={because}
            run={(note, idempotencyKey) =>
              client(Verification).reviewVerification(
                { jobId, decision: "rejected", note },
                { idempotencyKey },
              )
            }
            done={done}
          />
        </div>
      </div>
    </Panel>
  );
}
