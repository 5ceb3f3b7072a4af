import { Button } from "@mantine/core";
import { Invitations, Orgs } from "@openagents/contracts";
import { sentence } from "@openagents/ui";
import { Problem } from "@openagents/ui/react";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { authCall } from "../session/auth-call.ts";
import { session } from "../session/session.ts";
import { Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

/** Who has accepted acts there from then on. */
async function accept(invitationId: string): Promise<void> {
  const { orgId } = await client(Invitations).acceptInvitation({ invitationId });
  await client(Orgs).setActiveOrg({ orgId });
}

/** Where an invitation's mail leads. It is for the address that it was sent to. */
export function InvitationPage() {
  const { invitationId = "" } = useParams({ strict: false });
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>();
  const invitation = useRead(["invitation", invitationId], async () =>
    Object(
      await authCall(`/organization/get-invitation?id=${encodeURIComponent(invitationId)}`, undefined, "GET"),
    ),
  );
  const answer = async (send: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await send();
      await session.renew();
      queries.clear();
      await navigate({ to: "/settings/$tab", params: { tab: "organisations" } });
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Page title="Invitation">
      <Panel title="You are invited">
        <Read of={invitation}>
          {(told) => (
            <div className="oa-body stack">
              <p>
                {String(told.inviterEmail ?? "Somebody")} invites you to{" "}
                <strong>{String(told.organizationName ?? "an organisation")}</strong> as{" "}
                {sentence(String(told.role ?? "member")).toLowerCase()}.
              </p>
              <div className="row">
                <Button onClick={() => void answer(() => accept(invitationId))}>Accept</Button>
                <Button
                  variant="default"
                  onClick={() => void answer(() => client(Invitations).declineInvitation({ invitationId }))}
                >
                  Decline
                </Button>
              </div>
              {error === undefined ? null : <Problem error={error} />}
            </div>
          )}
        </Read>
      </Panel>
    </Page>
  );
}
