import { Mailboxes } from "@openagents/contracts";
import { Loading, Problem } from "@openagents/ui/react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { client } from "../api.ts";
import { queries } from "../queries.ts";
import { Page, Panel } from "../shell/page.tsx";

/** Where Google sends a person back to. What they bring is good once, in the session that asked for it. */
export function GoogleCallbackPage() {
  const { state = "", code = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  const begun = useRef(false);
  const [error, setError] = useState<unknown>();
  const isWhole = state !== "" && code !== "";
  useEffect(() => {
    if (!isWhole || begun.current) return;
    begun.current = true;
    client(Mailboxes)
      .completeGoogleAuthorization({ state, code })
      .then(
        () => {
          void queries.invalidateQueries({ queryKey: ["mail"] });
          // In place of this page, so that going back does not bring a code again.
          return navigate({ to: "/settings/$tab", params: { tab: "mail" }, replace: true });
        },
        (failure: unknown) => setError(failure),
      );
  }, [isWhole, state, code, navigate]);
  const back = (
    <Link to="/settings/$tab" params={{ tab: "mail" }}>
      Back to your mailboxes
    </Link>
  );
  return (
    <Page title="Connecting Gmail">
      <Panel title="Gmail">
        <div className="oa-body stack">
          {!isWhole ? (
            <p>Google did not give its permission, so nothing was connected. {back}</p>
          ) : error === undefined ? (
            <Loading lines={2} />
          ) : (
            <Problem error={error} action={back} />
          )}
        </div>
      </Panel>
    </Page>
  );
}
