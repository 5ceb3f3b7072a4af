import { Button } from "@mantine/core";
import { MailDrafts, MailThreads, Mailboxes, type MailThread } from "@openagents/contracts";
import { Empty, Problem, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { Area, Form } from "../shell/form.tsx";
import { Pager } from "../shell/pager.tsx";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["mail"] });

export function useMailboxes() {
  return useRead(["mail", "mailboxes"], (signal) => client(Mailboxes).listMailboxes({}, { signal }), {
    everyMs: 60_000,
  });
}

const TO_SETTINGS = (
  <Link to="/settings/$tab" params={{ tab: "mail" }}>
    Connect a mailbox
  </Link>
);

/** The reader's mail, or what to do so that there is some. */
export function MailPanel() {
  const mailboxes = useMailboxes();
  const [cursors, go] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const threads = useRead(
    ["mail", "threads", cursor ?? ""],
    (signal) =>
      client(MailThreads).listMailThreads(
        { limit: 20, ...(cursor === undefined ? {} : { cursor }) },
        { signal },
      ),
    { everyMs: 30_000 },
  );
  const all = mailboxes.data?.mailboxes ?? [];
  return (
    <Panel title="Mail" aside={all.length === 0 ? undefined : <LookButton />}>
      <Read of={mailboxes}>
        {() =>
          all.length === 0 ? (
            <Empty title="No mailbox is connected" action={TO_SETTINGS}>
              With one, mail shows here, and an agent can draft answers. None is sent without you.
            </Empty>
          ) : (
            <>
              {all
                .filter(({ status }) => status !== "works")
                .map(({ mailboxId, address, status }) => (
                  <p key={mailboxId} className="oa-body" role="status">
                    {address}{" "}
                    {status === "refused"
                      ? "does not let us in any more."
                      : "could not be reached at the last look."}{" "}
                    {status === "refused" ? TO_SETTINGS : null}
                  </p>
                ))}
              <Read of={threads}>
                {({ threads: found, nextCursor }) =>
                  found.length === 0 ? (
                    <Empty title="No mail of the last weeks">New mail is looked for every few minutes.</Empty>
                  ) : (
                    <>
                      <ul className="money-way">
                        {found.map((thread) => (
                          <ThreadRow key={thread.threadId} thread={thread} />
                        ))}
                      </ul>
                      {cursors.length === 0 && nextCursor === undefined ? null : (
                        <div className="oa-body">
                          <Pager cursors={cursors} nextCursor={nextCursor} go={go} />
                        </div>
                      )}
                    </>
                  )
                }
              </Read>
            </>
          )
        }
      </Read>
    </Panel>
  );
}

function LookButton() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const look = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await client(MailThreads).refreshMail({});
      changed();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {error === undefined ? null : <Problem error={error} />}
      <Button size="compact-sm" variant="default" loading={busy} onClick={() => void look()}>
        Look for new mail
      </Button>
    </>
  );
}

function ThreadRow({ thread }: { readonly thread: MailThread }) {
  const [open, setOpen] = useState(false);
  const { threadId, subject, correspondent, snippet, messageCount } = thread;
  const name = subject === "" ? "(no subject)" : subject;
  return (
    <li>
      <button type="button" className="thread" aria-expanded={open} onClick={() => setOpen((now) => !now)}>
        <strong>{name}</strong>{" "}
        <span className="quiet">
          {correspondent}
          {messageCount > 1 ? `, ${messageCount} messages` : ""}
        </span>
        {open ? null : <span className="quiet thread-snippet">{snippet}</span>}
      </button>
      <span className="quiet">
        <Time atMs={thread.lastMessageAt} />
      </span>
      {open ? <ThreadMessages threadId={threadId} name={name} /> : null}
    </li>
  );
}

/** The newest of its messages, as text alone, and a place to answer. */
function ThreadMessages({ threadId, name }: { readonly threadId: string; readonly name: string }) {
  const read = useRead(["mail", "thread", threadId], (signal) =>
    client(MailThreads).getMailThread({ threadId, limit: 20 }, { signal }),
  );
  return (
    <div className="thread-messages stack" role="region" aria-label={name}>
      <Read of={read}>
        {({ messages }) =>
          messages.map((message) => (
            <article key={message.messageId} className="card" aria-label={`From ${message.sender}`}>
              <p className="quiet oa-fine">
                {message.sentByUs ? "you" : <span className="oa-mono">{message.sender}</span>} to{" "}
                <span className="oa-mono">{message.recipients.join(", ")}</span>{" "}
                <Time atMs={message.occurredAt} />
              </p>
              <p className="asked">{message.body === "" ? "(no text)" : message.body}</p>
            </article>
          ))
        }
      </Read>
      <Form
        submit="Keep as a draft"
        send={async (fields) => {
          await client(MailDrafts).createMailDraft({ threadId, to: [], body: fields.get("body") ?? "" });
          changed();
        }}
      >
        <Area name="body" label={`Answer to “${name}”`} hint="It waits above until you approve it." />
      </Form>
    </div>
  );
}
