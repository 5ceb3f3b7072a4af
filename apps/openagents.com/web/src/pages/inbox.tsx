import { Inbox, type Approval } from "@openagents/contracts";
import { sentence } from "@openagents/ui";
import { Amount, Badge, Empty, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { usePace, useStream } from "../live/use-live.ts";
import { useSignedIn } from "../session/use-session.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { DraftCard, SentPanel, useDrafts } from "./mail-drafts-panel.tsx";
import { MailPanel } from "./mail-panel.tsx";
import { WhispersPanel } from "./whispers.tsx";

const again = () => {
  void queries.invalidateQueries({ queryKey: ["approvals"] });
  void queries.invalidateQueries({ queryKey: ["mail", "drafts"] });
};

/** Requests that wait for a person, before everything else; then private messages. */
export function InboxPage() {
  const waiting = useApprovals("pending");
  const drafts = (useDrafts().data?.drafts ?? []).filter(({ status }) => status === "waiting");
  // A draft is shown once, where it can also be changed.
  const asDrafts = new Set(drafts.map(({ approvalId }) => approvalId));
  const all = useRead(
    ["approvals", "all"],
    (signal) => client(Inbox).listApprovals({ limit: 30 }, { signal }),
    usePace(),
  );
  const decided = (all.data?.approvals ?? []).filter(({ status }) => status !== "pending");
  return (
    <Page
      title="Inbox"
      lead="What needs a person’s decision. An approval is given once, for exactly what it says."
    >
      <Panel title="Waits for you">
        <Read of={waiting}>
          {({ approvals }) =>
            approvals.length === 0 && drafts.length === 0 ? (
              <Empty title="Nothing waits for you">
                Spending above a limit, questions of an agent and drafts come here first.
              </Empty>
            ) : (
              <div className="oa-body stack">
                {approvals
                  .filter(({ approvalId }) => !asDrafts.has(approvalId))
                  .map((approval) => (
                    <ApprovalCard key={approval.approvalId} approval={approval} />
                  ))}
                {drafts.map((draft) => (
                  <DraftCard key={draft.draftId} draft={draft} />
                ))}
              </div>
            )
          }
        </Read>
      </Panel>
      <MailPanel />
      <SentPanel />
      <WhispersPanel />
      {decided.length === 0 ? null : (
        <Panel title="Decided">
          <ul className="money-way">
            {decided.map((approval) => (
              <li key={approval.approvalId}>
                <span>
                  {approval.title} <span className="quiet">{sentence(approval.kind)}</span>
                </span>
                <span className="row">
                  {approval.receiptId === undefined ? null : (
                    <Link to="/receipts/$receiptId" params={{ receiptId: approval.receiptId }}>
                      receipt
                    </Link>
                  )}
                  <Badge word={approval.status} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </Page>
  );
}

/** What waits for the reader, as it comes. */
export function useApprovals(status: "pending") {
  const { userId } = useSignedIn();
  useStream(userId === "" ? undefined : `control.approvals.user.${userId}`, useCallback(again, []));
  return useRead(
    ["approvals", status],
    (signal) => client(Inbox).listApprovals({ status, limit: 50 }, { signal }),
    usePace(8_000),
  );
}

/** One request: what, how much, who asks, and until when. Deciding needs a sign-in of the last minutes. */
export function ApprovalCard({ approval }: { readonly approval: Approval }) {
  const { approvalId, title, detail, amountMsats, kind } = approval;
  const question = kind === "question";
  return (
    <article className="card" aria-label={title}>
      <div className="row">
        <h3>{title}</h3>
        <Badge word={approval.status} />
        {amountMsats === undefined ? null : <Amount msats={amountMsats} />}
      </div>
      {detail === "" ? null : <p className="asked">{detail}</p>}
      <p className="quiet oa-fine">
        asked by <span className="oa-mono">{approval.requestedBy}</span> <Time atMs={approval.requestedAt} />,
        lapses <Time atMs={approval.expiresAt} />
      </p>
      <div className="row">
        <CommandButton
          label={question ? "Answer" : "Approve"}
          title={question ? title : `Approve: ${title}?`}
          explanation={
            <>
              It is approved once, for exactly what is shown. If you signed in more than 15 minutes ago, you
              are asked to sign in again first.
            </>
          }
          {...(question ? { ask: "Your answer" } : {})}
          confirm={question ? "Send the answer" : "Approve it"}
          run={(answer, idempotencyKey) =>
            client(Inbox).approveApproval(
              { approvalId, ...(answer === "" ? {} : { answer }) },
              { idempotencyKey },
            )
          }
          done={again}
        />
        <CommandButton
          label="Reject"
          title={`Reject: ${title}?`}
          explanation="Who asked is told, and goes on without it."
          confirm="Reject it"
          danger
          run={(_text, idempotencyKey) => client(Inbox).rejectApproval({ approvalId }, { idempotencyKey })}
          done={again}
        />
      </div>
    </article>
  );
}
