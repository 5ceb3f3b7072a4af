import { Button } from "@mantine/core";
import { Mailboxes, type Mailbox } from "@openagents/contracts";
import { Badge, Empty, Problem, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "../../api.ts";
import { queries } from "../../queries.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { useMailboxes } from "../mail-panel.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["mail"] });

/** The reader's own mailboxes. Their secrets are sealed when they come in, and never shown again. */
export function MailTab() {
  const mailboxes = useMailboxes();
  return (
    <>
      <Panel title="Your mailboxes">
        <Read of={mailboxes}>
          {({ mailboxes: all }) =>
            all.length === 0 ? (
              <Empty title="No mailbox is connected">
                A mailbox is yours alone, also in an organisation. An agent may read it and draft answers;
                only you send them.
              </Empty>
            ) : (
              <ul className="money-way">
                {all.map((each) => (
                  <MailboxRow key={each.mailboxId} mailbox={each} />
                ))}
              </ul>
            )
          }
        </Read>
      </Panel>
      <Panel title="Connect Gmail">
        <div className="oa-body">
          <GoogleButton configured={mailboxes.data?.googleConfigured ?? false} />
        </div>
      </Panel>
      <Panel title="Connect by IMAP">
        <div className="oa-body">
          <Form
            submit="Connect"
            send={async (fields) => {
              const username = fields.get("username") ?? "";
              await client(Mailboxes).connectImapMailbox({
                address: fields.get("address") ?? "",
                ...(username === "" ? {} : { username }),
                password: fields.get("password") ?? "",
                imapHost: fields.get("imap-host") ?? "",
                imapPort: Number(fields.get("imap-port")),
                smtpHost: fields.get("smtp-host") ?? "",
                smtpPort: Number(fields.get("smtp-port")),
              });
              changed();
            }}
          >
            <Field name="address" label="Your address" type="email" />
            <Field
              name="username"
              label="Name to log in with"
              required={false}
              hint="Where it is not the address."
            />
            <Field
              name="password"
              label="Password"
              type="password"
              hint="One for this alone, where your provider gives such. It is tried before it is stored, and stored sealed."
            />
            <Field name="imap-host" label="IMAP server" placeholder="imap.example.org" />
            <Field name="imap-port" label="IMAP port" type="number" initial="993" />
            <Field name="smtp-host" label="SMTP server" placeholder="smtp.example.org" />
            <Field name="smtp-port" label="SMTP port" type="number" initial="465" />
          </Form>
        </div>
      </Panel>
    </>
  );
}

function GoogleButton({ configured }: { readonly configured: boolean }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { authorizeUrl } = await client(Mailboxes).startGoogleAuthorization({});
      if (authorizeUrl !== undefined) window.location.assign(authorizeUrl);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <div className="stack">
      <p className="quiet">
        Google asks you whether this installation may read your mail and send from it. It changes and deletes
        nothing there.
      </p>
      <div>
        <Button
          size="sm"
          loading={busy}
          disabled={!configured}
          title={configured ? undefined : "This installation is not registered at Google."}
          onClick={() => void go()}
        >
          Connect Gmail
        </Button>
      </div>
      {configured ? null : (
        <p className="reason">This installation is not registered at Google. Connect the mailbox by IMAP.</p>
      )}
      {error === undefined ? null : <Problem error={error} />}
    </div>
  );
}

const PROVIDERS = { gmail: "Gmail", imap: "IMAP" } as const;
const STATUSES = { works: "holds", refused: "rejected", unreachable: "unknown" } as const;

function MailboxRow({ mailbox }: { readonly mailbox: Mailbox }) {
  const { mailboxId, address, provider, status } = mailbox;
  return (
    <li>
      <span>
        <strong>{address}</strong> <span className="quiet">{PROVIDERS[provider]}</span>{" "}
        <Badge word={STATUSES[status]} />
        <br />
        <span className="quiet">
          connected <Time atMs={mailbox.connectedAt} />
          {mailbox.syncedAt === undefined ? null : (
            <>
              , read <Time atMs={mailbox.syncedAt} />
            </>
          )}{" "}
          <Link to="/receipts/$receiptId" params={{ receiptId: mailbox.receiptId }}>
            receipt
          </Link>
        </span>
      </span>
      <CommandButton
        label="Disconnect"
        title={`Disconnect ${address}?`}
        explanation="Its secret, and what was read with it, are deleted here. Take the permission back at the provider, too."
        confirm="Disconnect it"
        danger
        run={(_text, idempotencyKey) =>
          client(Mailboxes).disconnectMailbox({ mailboxId }, { idempotencyKey })
        }
        done={changed}
      />
    </li>
  );
}
