import { Account, ProblemError } from "@openagents/contracts";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "../../api.ts";
import { live } from "../../live/live.ts";
import { queries } from "../../queries.ts";
import { session } from "../../session/session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Panel } from "../../shell/page.tsx";

/** The end of an account, and what is lost by it. */
export function DeleteAccount() {
  const [fundsHeld, setFundsHeld] = useState(false);
  const navigate = useNavigate();
  const run = async (confirmEmail: string, idempotencyKey: string, giveUpFunds: boolean) => {
    try {
      await client(Account).deleteAccount({ confirmEmail, giveUpFunds }, { idempotencyKey });
    } catch (error) {
      if (error instanceof ProblemError && error.reason === "funds_held") setFundsHeld(true);
      throw error;
    }
  };
  const done = async () => {
    session.forget();
    await live.stop();
    queries.clear();
    await navigate({ to: "/" });
  };
  return (
    <Panel title="Delete your account">
      <div className="oa-body stack">
        <p className="quiet">
          Signs you out everywhere, ends your devices and the organisations that only you are in, and erases
          what you wrote. Receipts and the audit log stay, under an id that names nobody.
        </p>
        <div className="row">
          <CommandButton
            label="Delete your account"
            title="Delete your account?"
            explanation="It cannot be undone, by nobody. Organisations with others in them go on without you."
            ask="Your e-mail address, so that it is no slip"
            confirm="Delete it for ever"
            danger
            run={(email, key) => run(email, key, false)}
            done={() => void done()}
          />
          {fundsHeld ? (
            <CommandButton
              label="Delete it and give up the money"
              title="Delete your account and give up the money?"
              explanation="What your organisations have is nobody's afterwards, and nobody gives it back."
              ask="Your e-mail address, so that it is no slip"
              confirm="Give it up and delete"
              danger
              run={(email, key) => run(email, key, true)}
              done={() => void done()}
            />
          ) : null}
        </div>
      </div>
    </Panel>
  );
}
