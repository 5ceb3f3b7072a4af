import { Autopilots, type Autopilot } from "@openagents/contracts";
import { Amount, Badge, Empty, Time } from "@openagents/ui/react";
import { Link, useNavigate } from "@tanstack/react-router";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { Field, Form } from "../../shell/form.tsx";
import { Page, Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";

/** Agents with a policy of their own, which services enforce. */
export function AutopilotsPage() {
  const autopilots = useRead(
    ["autopilots"],
    (signal) => client(Autopilots).listAutopilots({ limit: 100 }, { signal }),
    { everyMs: 30_000 },
  );
  return (
    <Page
      title="Autopilots"
      lead="Agents that act for you within a policy. The stored policy is the one that is enforced; no request brings another."
    >
      <Panel title="Your autopilots">
        <Read of={autopilots}>
          {({ autopilots: all }) =>
            all.length === 0 ? (
              <Empty title="No autopilot yet">
                Name one below. It may read and spend nothing until you give it a policy.
              </Empty>
            ) : (
              <Table autopilots={all} />
            )
          }
        </Read>
      </Panel>
      <NewAutopilot />
    </Page>
  );
}

function Table({ autopilots }: { readonly autopilots: readonly Autopilot[] }) {
  return (
    <div className="oa-scroll" tabIndex={0} role="region" aria-label="Your autopilots">
      <table className="oa-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col" className="oa-end">
              A day, at most
            </th>
            <th scope="col" className="oa-end">
              Asks above
            </th>
            <th scope="col" className="oa-end">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {autopilots.map(({ autopilotId, handle, displayName, tagline, status, policy, updatedAt }) => (
            <tr key={autopilotId}>
              <td className="oa-wide">
                <Link to="/autopilots/$autopilot" params={{ autopilot: handle }} className="row-link">
                  {displayName}
                </Link>{" "}
                <span className="quiet">{tagline}</span>
              </td>
              <td>
                <Badge word={status} />
              </td>
              <td className="oa-end">
                {policy.spendPerDayMsatsMax === undefined ? (
                  <span className="quiet">spends nothing</span>
                ) : (
                  <Amount msats={policy.spendPerDayMsatsMax} />
                )}
              </td>
              <td className="oa-end">
                <Amount msats={policy.approvalOverMsats ?? 0n} />
              </td>
              <td className="oa-end quiet">
                <Time atMs={updatedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NewAutopilot() {
  const { scopes } = useSignedIn();
  const navigate = useNavigate();
  return (
    <Panel title="A new autopilot">
      <div className="oa-body">
        <Form
          submit="Make it"
          disabledBecause={scopes.has("autopilots:write") ? undefined : "Your role makes no autopilots."}
          send={async (fields) => {
            const tagline = fields.get("tagline") ?? "";
            const { autopilot } = await client(Autopilots).createAutopilot({
              displayName: fields.get("display-name") ?? "",
              ...(tagline === "" ? {} : { tagline }),
            });
            void queries.invalidateQueries({ queryKey: ["autopilots"] });
            await navigate({ to: "/autopilots/$autopilot", params: { autopilot: autopilot.handle } });
          }}
        >
          <Field name="display-name" label="Name" placeholder="Night shift" />
          <Field
            name="tagline"
            label="What it is for"
            placeholder="Keeps dependencies current"
            required={false}
          />
        </Form>
      </div>
    </Panel>
  );
}
