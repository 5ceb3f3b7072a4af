import { Whispers } from "@openagents/contracts";
import { Empty, Time } from "@openagents/ui/react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { useSignedIn } from "../session/use-session.ts";
import { Field, Form } from "../shell/form.tsx";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

/** Private messages between people. */
export function WhispersPanel() {
  const { userId } = useSignedIn();
  const changed = () => void queries.invalidateQueries({ queryKey: ["whispers"] });
  const whispers = useRead(
    ["whispers"],
    (signal) => client(Whispers).listWhispers({ limit: 30 }, { signal }),
    {
      everyMs: 10_000,
    },
  );
  return (
    <Panel title="Private messages">
      <Read of={whispers}>
        {({ whispers: all }) =>
          all.length === 0 ? (
            <Empty title="No messages">Write to somebody by their handle.</Empty>
          ) : (
            <ul className="money-way">
              {all.map((whisper) => (
                <li key={whisper.whisperId}>
                  <span>
                    <strong>
                      {whisper.sender.userId === userId
                        ? `To @${whisper.recipient.handle}`
                        : `@${whisper.sender.handle}`}
                    </strong>{" "}
                    {whisper.body}
                  </span>
                  <span className="quiet">
                    <Time atMs={whisper.sentAt} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Read>
      <div className="oa-body">
        <Form
          submit="Send"
          inline
          send={async (fields) => {
            await client(Whispers).sendWhisper({
              to: (fields.get("to") ?? "").replace(/^@/, ""),
              body: fields.get("body") ?? "",
            });
            changed();
          }}
        >
          <Field name="body" label="Message" />
          <Field name="to" label="To" placeholder="@handle" />
        </Form>
      </div>
    </Panel>
  );
}
