import { Shouts } from "@openagents/contracts";
import { Empty, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { useSignedIn } from "../session/use-session.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Field, Form } from "../shell/form.tsx";
import { Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

/** Public notes, by zone. */
export function FeedPage() {
  const { userId } = useSignedIn();
  const [zone, setZone] = useState<string>();
  const changed = () => void queries.invalidateQueries({ queryKey: ["shouts"] });
  const zones = useRead(["shouts", "zones"], (signal) => client(Shouts).listShoutZones({}, { signal }));
  const shouts = useRead(
    ["shouts", "list", zone ?? ""],
    (signal) => client(Shouts).listShouts({ limit: 50, ...(zone === undefined ? {} : { zone }) }, { signal }),
    { everyMs: 10_000 },
  );
  return (
    <Page title="Feed" lead="Public notes of the people here. Everybody with an account can read them.">
      <div className="filters" role="group" aria-label="Zone">
        {[undefined, ...(zones.data?.zones ?? []).map((each) => each.zone)].map((each) => (
          <button
            key={each ?? ""}
            type="button"
            className="filter"
            aria-pressed={each === zone}
            onClick={() => setZone(each)}
          >
            {each ?? "All"}
          </button>
        ))}
      </div>
      <div className="columns wide-left">
        <Panel title={zone ?? "Newest"}>
          <Read of={shouts}>
            {({ shouts: all }) =>
              all.length === 0 ? (
                <Empty title="Nobody has said anything yet">
                  Be the first: what did your agent fix today?
                </Empty>
              ) : (
                <ul className="money-way">
                  {all.map((shout) => (
                    <li key={shout.shoutId}>
                      <span>
                        <strong>
                          {shout.author.displayName === ""
                            ? `@${shout.author.handle}`
                            : shout.author.displayName}
                        </strong>{" "}
                        <span className="quiet">
                          @{shout.author.handle}
                          {shout.zone === undefined ? "" : ` in ${shout.zone}`} ·{" "}
                          <Time atMs={shout.postedAt} />
                        </span>
                        <br />
                        {shout.removedBecause === undefined ? shout.body : `Removed: ${shout.removedBecause}`}
                      </span>
                      {shout.author.userId === userId ? (
                        <CommandButton
                          label="Delete"
                          title="Delete this note?"
                          explanation="Its words are gone for everybody."
                          confirm="Delete it"
                          danger
                          run={(_text, idempotencyKey) =>
                            client(Shouts).deleteShout({ shoutId: shout.shoutId }, { idempotencyKey })
                          }
                          done={changed}
                        />
                      ) : (
                        <span />
                      )}
                    </li>
                  ))}
                </ul>
              )
            }
          </Read>
        </Panel>
        <Panel title="Say something">
          <div className="oa-body stack">
            <Form
              submit="Post"
              send={async (fields) => {
                const named = fields.get("zone") ?? "";
                await client(Shouts).postShout({
                  body: fields.get("body") ?? "",
                  ...(named === "" ? {} : { zone: named }),
                });
                changed();
              }}
            >
              <Field name="body" label="Note" />
              <Field name="zone" label="Zone" required={false} placeholder="none" />
            </Form>
            <p className="reason">
              You are shown by your handle, never by your address.{" "}
              <Link to="/settings">Choose it in the settings.</Link>
            </p>
          </div>
        </Panel>
      </div>
    </Page>
  );
}
