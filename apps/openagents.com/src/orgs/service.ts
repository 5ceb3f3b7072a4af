// Commands on members. What a member could do before ends with the command.

import type { Authority, Command, Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  Principal,
  RemoveMemberRequest,
  RemoveMemberResponse,
  SetMemberRoleRequest,
  SetMemberRoleResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { auditWrite } from "../audit/index.ts";
import { listDevicesOfOwner } from "../devices/index.ts";
import { deleteMailboxesOf } from "../mailboxes/index.ts";
import type { Revocations } from "../revocations/index.ts";
import { decideMember, type MemberRefusal } from "./decide-member.ts";
import { cancelInvitationsOf, deleteMember, lockMembers, markRole, type Member } from "./store.ts";
import { memberMessage } from "./wire.ts";

export type OrgDeps = { readonly authority: Authority; readonly revocations: Revocations };

export function setMemberRole(
  { authority, revocations }: OrgDeps,
  call: CommandCall,
  request: SetMemberRoleRequest,
): Promise<CommandReply> {
  return authority.execute<SetMemberRoleResponse>(call, request, async (command) => {
    const found = await lockBoth(command, request);
    if (found.kind === "refused") return found;
    const { caller, member, owners } = found;
    const { orgId, role } = request;
    const refused = decideMember({
      callerRole: caller.role,
      memberRole: member.role,
      newRole: role,
      owners,
    });
    if (refused !== undefined) return refusal(refused);

    const nowMs = command.nowMs();
    const { userId } = member;
    const facts = { user_id: userId, role, previous_role: member.role };
    const receipt = command.seal("openagents.control.role_changed.v1", userId, facts, nowMs);
    const receiptId = receipt.receipt_id;
    const audit = { action: "member.role_changed", subject: userId, details: { role }, receiptId };
    const stopped = await stopTokens(command, revocations, orgId, userId, nowMs);
    return {
      kind: "answer",
      output: { member: memberMessage({ ...member, role }), receiptId },
      writes: [markRole(orgId, userId, role), auditWrite(call, audit, nowMs), ...stopped.writes],
      afterCommit: stopped.afterCommit,
    };
  });
}

export function removeMember(
  { authority, revocations }: OrgDeps,
  call: CommandCall,
  request: RemoveMemberRequest,
): Promise<CommandReply> {
  return authority.execute<RemoveMemberResponse>(call, request, async (command) => {
    const found = await lockBoth(command, request);
    if (found.kind === "refused") return found;
    const { caller, member, owners } = found;
    const { orgId } = request;
    const change = { callerRole: caller.role, memberRole: member.role, newRole: undefined, owners };
    const refused = decideMember(change);
    if (refused !== undefined) return refusal(refused);

    const nowMs = command.nowMs();
    const { userId, role } = member;
    const receipt = command.seal(
      "openagents.control.member_removed.v1",
      userId,
      { user_id: userId, role },
      nowMs,
    );
    const receiptId = receipt.receipt_id;
    const audit = { action: "member.removed", subject: userId, details: { role }, receiptId };
    const stopped = await stopTokens(command, revocations, orgId, userId, nowMs);
    return {
      kind: "answer",
      output: { receiptId },
      writes: [
        deleteMember(orgId, userId),
        cancelInvitationsOf(orgId, userId),
        ...deleteMailboxesOf(orgId, userId),
        auditWrite(call, audit, nowMs),
        ...stopped.writes,
      ],
      afterCommit: stopped.afterCommit,
    };
  });
}

/** The person's tokens, and those of the person's devices here: the next ones say what is so now. */
export async function stopTokens(
  { tx }: Command,
  revocations: Revocations,
  org: string,
  userId: string,
  nowMs: number,
) {
  const devices = await listDevicesOfOwner(tx, org, userId);
  const targets = [userId, ...devices].map((value) => ({ by: "sub" as const, value }));
  return revocations.revoke(targets, nowMs);
}

type Both = {
  readonly kind: "found";
  readonly caller: Member;
  readonly member: Member;
  readonly owners: number;
};

/** Throws 404 for another organisation, and for who is no member of it. */
async function lockBoth(
  { tx, call }: Command,
  { orgId, userId }: { readonly orgId: string; readonly userId: string },
): Promise<Both | Refusal> {
  const { principal } = call;
  if (orgId !== principal.org) throw notFound("org", orgId);
  const notPerson = refuseOthersThanPersons(principal);
  if (notPerson !== undefined) return notPerson;
  const members = await lockMembers(tx, orgId, [principal.id, userId]);
  const caller = members.find((each) => each.userId === principal.id);
  const member = members.find((each) => each.userId === userId);
  // The caller's token may be older than the end of its membership.
  if (caller === undefined) throw notFound("org", orgId);
  if (member === undefined) throw notFound("member", userId);
  return { kind: "found", caller, member, owners: members.filter((each) => each.role === "owner").length };
}

/** Who is in an organisation is decided by nobody who acts for another. */
export function refuseOthersThanPersons({ kind, actingFor }: Principal): Refusal | undefined {
  if (kind === "user" && actingFor === undefined) return undefined;
  const detail = "A person decides who is a member, in a session of their own.";
  return { kind: "refused", rule: "policy", reason: "person_only", detail };
}

const DETAILS: Readonly<Record<MemberRefusal, readonly [Refusal["rule"], string]>> = {
  owners_only: ["policy", "Only an owner makes owners, and changes or removes one. Ask an owner."],
  role_unchanged: ["state", "The member has this role already."],
  last_owner: ["state", "This is the last owner. Make another member an owner first."],
};

export function refusal(reason: MemberRefusal): Refusal {
  const [rule, detail] = DETAILS[reason];
  return { kind: "refused", rule, reason, detail };
}
