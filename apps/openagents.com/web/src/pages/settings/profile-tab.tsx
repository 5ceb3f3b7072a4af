import { sentence } from "@openagents/ui";
import { Badge, Id } from "@openagents/ui/react";
import { authCall } from "../../session/auth-call.ts";
import { Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { DeleteAccount } from "./delete-account.tsx";
import { PublicProfile } from "./public-profile.tsx";
import { meChanged, useMe } from "./reads.ts";

export function ProfileTab() {
  const me = useMe();
  return (
    <Read of={me}>
      {({ person, principal, kind, orgId, scopes, memberships }) => (
        <div className="columns">
          <Panel title="You">
            <div className="oa-body stack">
              <dl className="oa-facts">
                <dt>E-mail</dt>
                <dd>
                  {person?.email ?? "none"}{" "}
                  {person?.emailVerified === true ? <Badge word="verified" /> : null}
                </dd>
                <dt>Id</dt>
                <dd>
                  <Id id={principal} />
                </dd>
                <dt>Signed in as</dt>
                <dd>{sentence(kind)}</dd>
              </dl>
              <Form
                key={person?.name}
                submit="Save the name"
                send={async (fields) => {
                  await authCall("/update-user", { name: fields.get("name") });
                  meChanged();
                }}
              >
                <Field
                  name="name"
                  label="Name"
                  initial={person?.name ?? ""}
                  required={false}
                  hint="How people in your organisations see you."
                />
              </Form>
            </div>
          </Panel>
          <PublicProfile />
          <Panel title="What you may do here">
            <div className="oa-body stack">
              <dl className="oa-facts">
                <dt>Organisation</dt>
                <dd>{memberships.find((each) => each.orgId === orgId)?.orgName ?? <Id id={orgId} />}</dd>
                <dt>Role</dt>
                <dd>{sentence(memberships.find((each) => each.orgId === orgId)?.role ?? "none")}</dd>
              </dl>
              <details>
                <summary>{scopes.length} scopes</summary>
                <p className="oa-mono quiet">{[...scopes].sort().join(" · ")}</p>
              </details>
            </div>
          </Panel>
          <DeleteAccount />
        </div>
      )}
    </Read>
  );
}
