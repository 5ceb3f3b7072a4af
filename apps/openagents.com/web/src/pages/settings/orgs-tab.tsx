import { Button } from "@mantine/core";
import { Invitations, Orgs, orgRoleValues, type OrgMember, type OrgMembership } from "@openagents/contracts";
import { sentence } from "@openagents/ui";
import { Badge, Problem, Time } from "@openagents/ui/react";
import { useState } from "react";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { session } from "../../session/session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Choice, Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { meChanged, useMe } from "./reads.ts";

/** Organisations own runs, money and keys; people act in one of them at a time. */
export function OrgsTab() {
  const me = useMe();
  return (
    <Read of={me}>
      {({ memberships, orgId, principal }) => {
        const active = memberships.find((each) => each.orgId === orgId);
        return (
          <>
            <div className="columns">
              <Panel title="Your organisations">
                <ul className="money-way">
                  {memberships.map((each) => (
                    <Membership key={each.orgId} membership={each} active={each.orgId === orgId} />
                  ))}
                </ul>
              </Panel>
              <Panel title="A new organisation">
                <div className="oa-body">
                  <Form
                    submit="Make it"
                    send={async (fields) => {
                      const made = await client(Orgs).createOrg({
                        name: String(fields.get("name") ?? ""),
                        slug: String(fields.get("slug") ?? ""),
                      });
                      const orgId = made.membership?.orgId;
                      if (orgId !== undefined) await client(Orgs).setActiveOrg({ orgId });
                      await session.renew();
                      meChanged();
                    }}
                  >
                    <Field name="name" label="Name" placeholder="your team" />
                    <Field
                      name="slug"
                      label="Short name"
                      placeholder="your-team"
                      hint="Lower-case letters, digits and dashes."
                    />
                  </Form>
                </div>
              </Panel>
            </div>
            {active === undefined ? null : <Members org={active} me={principal} />}
          </>
        );
      }}
    </Read>
  );
}

function Membership({
  membership,
  active,
}: {
  readonly membership: OrgMembership;
  readonly active: boolean;
}) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await client(Orgs).setActiveOrg({ orgId: membership.orgId });
      await session.renew();
      // Everything on the screen is of the other organisation.
      await queries.resetQueries();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <li>
      <span>
        <strong>{membership.orgName}</strong>{" "}
        <span className="quiet">
          {sentence(membership.role)}
          {membership.personal ? ", yours alone" : ""}
        </span>
      </span>
      {membership.personal ? null : (
        <CommandButton
          label="Leave"
          title={`Leave ${membership.orgName}?`}
          explanation="What you and your devices may do there ends within five seconds. An invitation brings you back."
          confirm="Leave now"
          danger
          run={(_text, idempotencyKey) =>
            client(Orgs).leaveOrg({ orgId: membership.orgId }, { idempotencyKey })
          }
          done={() => void session.renew().then(() => queries.resetQueries())}
        />
      )}
      {active ? (
        <Badge word="active" />
      ) : (
        <Button size="compact-sm" variant="default" loading={busy} onClick={() => void act()}>
          Act in it
        </Button>
      )}
      {error === undefined ? null : <Problem error={error} />}
    </li>
  );
}

function Members({ org, me }: { readonly org: OrgMembership; readonly me: string }) {
  const members = useRead(["members", org.orgId], (signal) =>
    client(Orgs).listMembers({ orgId: org.orgId }, { signal }),
  );
  const mayChange = org.role === "owner" || org.role === "admin";
  const because = org.personal
    ? "Your personal organisation invites nobody. Make one for a team."
    : mayChange
      ? undefined
      : "Owners and admins invite people.";
  return (
    <Panel title={`Members of ${org.orgName}`}>
      <Read of={members}>
        {({ members: all }) => (
          <div className="oa-scroll" tabIndex={0} role="region" aria-label="Members">
            <table className="oa-table">
              <thead>
                <tr>
                  <th scope="col">Person</th>
                  <th scope="col">Role</th>
                  <th scope="col" className="oa-end">
                    Joined
                  </th>
                  <th scope="col">
                    <span className="quiet">Change</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map((member) => (
                  <MemberRow key={member.userId} org={org} member={member} me={me} mayChange={mayChange} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Read>
      <div className="oa-body">
        <Form
          submit="Invite"
          inline
          disabledBecause={because}
          send={async (fields) => {
            await client(Invitations).inviteMember({
              orgId: org.orgId,
              email: String(fields.get("email") ?? ""),
              role: orgRoleValues.find((role) => role === fields.get("role")) ?? "member",
            });
          }}
        >
          <Field name="email" label="Invite by e-mail" type="email" placeholder="someone@example.org" />
          <Choice
            name="role"
            label="Role"
            options={orgRoleValues.filter((role) => role !== "owner")}
            initial="member"
          />
        </Form>
        {because === undefined ? null : <p className="reason">{because}</p>}
      </div>
    </Panel>
  );
}

type MemberRowProps = {
  readonly org: OrgMembership;
  readonly member: OrgMember;
  readonly me: string;
  readonly mayChange: boolean;
};

function MemberRow({ org, member, me, mayChange }: MemberRowProps) {
  return (
    <tr>
      <td>
        {member.name === "" ? member.email : member.name}{" "}
        <span className="quiet">{member.name === "" ? "" : member.email}</span>
      </td>
      <td>{sentence(member.role)}</td>
      <td className="oa-end quiet">
        <Time atMs={member.joinedAt} />
      </td>
      <td>
        <CommandButton
          label="Remove"
          title={`Remove ${member.email} from ${org.orgName}?`}
          explanation="What they may do here ends within five seconds, on every device of theirs."
          confirm="Remove them"
          danger
          disabledBecause={
            member.userId === me
              ? "You cannot remove yourself. Leave instead."
              : mayChange
                ? undefined
                : "Owners and admins remove people."
          }
          run={(_text, idempotencyKey) =>
            client(Orgs).removeMember({ orgId: org.orgId, userId: member.userId }, { idempotencyKey })
          }
          done={() => void queries.invalidateQueries({ queryKey: ["members", org.orgId] })}
        />
      </td>
    </tr>
  );
}
