import { Button } from "@mantine/core";
import { MailDrafts, type MailDraft } from "@openagents/contracts";
import { Badge, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { queries } from "../queries.ts";
import { useSignedIn } from "../session/use-session.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Area, Field, Form } from "../shell/form.tsx";
import { Panel } from "../shell/page.tsx";

const changed = () => {
  void queries.invalidateQueries({ queryKey: ["mail"] });
  void queries.invalidateQueries({ queryKey: ["approvals"] });
};

/** The newest drafts, and how they stand. */
export function useDrafts() {
  return useRead(
    ["mail", "drafts"],
    (signal) => client(MailDrafts).listMailDrafts({ limit: 30 }, { signal }),
    usePace(8_000),
  );
}

/** What was decided, or could not be shown as waiting any more: on its way, sent, or not. */
export function SentPanel() {
  const drafts = useDrafts();
  const decided = (drafts.data?.drafts ?? []).filter(({ status }) => status !== "waiting");
  if (decided.length === 0) return null;
  return (
    <Panel title="Drafts that were decided">
      <ul className="money-way">
        {decided.map((draft) => (
          <li key={draft.draftId}>
            <span>
              {draft.subject} <span className="quiet">to {draft.to.join(", ")}</span>
              {draft.detail === undefined ? null : (
                <>
                  <br />
                  <span className="quiet">{draft.detail}</span>
                </>
              )}
            </span>
            <span className="row">
              {draft.receiptId === undefined ? null : (
                <Link to="/receipts/$receiptId" params={{ receiptId: draft.receiptId }}>
                  receipt
                </Link>
              )}
              <Badge word={draft.status} />
              <Time atMs={draft.sentAt ?? draft.updatedAt} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** One that waits: all of it, as it would be sent. */
export function DraftCard({ draft }: { readonly draft: MailDraft }) {
  const { draftId, version, subject, body, to, from } = draft;
  const { userId } = useSignedIn();
  const [editing, setEditing] = useState(false);
  return (
    <article className="card" aria-label={`Draft: ${subject}`}>
      <div className="row">
        <h3>{subject}</h3>
        <Badge word={draft.status} />
      </div>
      <p className="quiet oa-fine">
        from <span className="oa-mono">{from}</span> to <span className="oa-mono">{to.join(", ")}</span>,
        written by {draft.authoredBy === userId ? "you" : <span className="oa-mono">{draft.authoredBy}</span>}{" "}
        <Time atMs={draft.updatedAt} />
      </p>
      {editing ? (
        <EditForm key={version} draft={draft} done={() => setEditing(false)} />
      ) : (
        <p className="asked">{body}</p>
      )}
      <div className="row">
        <CommandButton
          label="Approve and send"
          title={`Send “${subject}”?`}
          explanation={
            <>
              It goes once from {from} to {to.join(", ")}, as it stands here. If you signed in more than 15
              minutes ago, you are asked to sign in again first.
            </>
          }
          confirm="Send it"
          disabledBecause={editing ? "Keep or leave your changes first." : undefined}
          run={(_text, idempotencyKey) =>
            client(MailDrafts).approveMailDraft({ draftId, version }, { idempotencyKey })
          }
          done={changed}
        />
        <Button size="xs" variant="default" aria-expanded={editing} onClick={() => setEditing((now) => !now)}>
          {editing ? "Leave it as it was" : "Edit"}
        </Button>
        <CommandButton
          label="Reject"
          title={`Reject “${subject}”?`}
          explanation="It is never sent. Who wrote it is told."
          confirm="Reject it"
          danger
          run={(_text, idempotencyKey) =>
            client(MailDrafts).rejectMailDraft({ draftId, version }, { idempotencyKey })
          }
          done={changed}
        />
      </div>
    </article>
  );
}

function EditForm({ draft, done }: { readonly draft: MailDraft; readonly done: () => void }) {
  return (
    <Form
      submit="Keep the changes"
      send={async (fields) => {
        const to = (fields.get("to") ?? "").split(",").map((each) => each.trim());
        await client(MailDrafts).editMailDraft({
          draftId: draft.draftId,
          version: draft.version,
          to: to.filter((each) => each !== ""),
          subject: fields.get("subject") ?? "",
          body: fields.get("body") ?? "",
        });
        changed();
        done();
      }}
    >
      <Field name="to" label="To" initial={draft.to.join(", ")} hint="Several with commas between them." />
      <Field name="subject" label="Subject" initial={draft.subject} />
      <Area name="body" label="Text" initial={draft.body} />
    </Form>
  );
}
