// Commands on invitations.
//
// INV-1  An invitation is answered once, by a person who has its address.
// INV-2  A member is added with the audit entry and the receipt, or not at all.
// INV-3  Nobody is invited to more than the inviter may give.
// Held by tests/organizations.pg.test.ts.

import { newId, type Authority, type Refusal } from "@openagents/authority";
import {
  ProblemError,
  type AcceptInvitationRequest,
  type AcceptInvitationResponse,
  type CancelInvitationRequest,
  type CancelInvitationResponse,
  type CommandCall,
  type CommandReply,
  type DeclineInvitationRequest,
  type DeclineInvitationResponse,
  type InviteMemberRequest,
  type InviteMemberResponse,
} from "@openagents/contracts";
import type { Tx } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { auditWrite } from "../audit/index.ts";
import {
  adminsOnly,
  insertMember,
  lockMembership,
  lockOrg,
  lockPerson,
  refuseOthersThanPersons,
} from "../orgs/index.ts";
import { INVITATION_MAIL } from "./mail.ts";
import { lockInvitation, lockStanding, markInvitation, replaceInvitation, type Invitation } from "./store.ts";

export type InvitationDeps = {
  readonly authority: Authority;
  /** A mail was meant: look now. */
  readonly wake: () => void;
};

const LIFE_MS = 7 * 24 * 3_600_000;
const WAITING_MAX = 100;

/** A person's invitations within an hour: each is a mail to somebody who has not asked for one. */
const HOURLY_MAX = 60;
const HOUR_MS = 3_600_000;

export function inviteMember(
  { authority, wake }: InvitationDeps,
  call: CommandCall,
  request: InviteMemberRequest,
): Promise<CommandReply> {
  return authority.execute<InviteMemberResponse>(call, request, async (command) => {
    const { principal } = call;
    const { orgId: org, role } = request;
    const email = request.email.toLowerCase();
    if (org !== principal.org) throw notFound("org", org);
    const notPerson = refuseOthersThanPersons(principal);
    if (notPerson !== undefined) return notPerson;
    const callerRole = await lockMembership(command.tx, org, principal.id);
    if (callerRole === undefined) throw notFound("org", org);
    if (callerRole !== "owner" && callerRole !== "admin") return adminsOnly();
    if (role === "owner" && callerRole !== "owner")
      return refused("policy", "owners_only", "Only an owner makes owners. Ask an owner.");
    const { personal } = (await lockOrg(command.tx, org)) ?? { personal: false };
    if (personal) {
      const detail = "A personal organisation invites nobody. Make an organisation for a team.";
      return refused("policy", "personal_organization", detail);
    }
    const nowMs = command.nowMs();
    const about = { org, email, inviter: principal.id, sinceMs: nowMs - HOUR_MS, nowMs };
    const { waiting, recent, isMember } = await lockStanding(command.tx, about);
    if (isMember) return refused("state", "already_member", "Somebody with this address is a member.");
    if (waiting >= WAITING_MAX) {
      const detail = `${WAITING_MAX} invitations wait already. Take some back first.`;
      return refused("state", "invitation_limit", detail);
    }
    if (recent >= HOURLY_MAX) throw tooMany();

    const invitationId = newId("inv", nowMs);
    const expiresAtMs = nowMs + LIFE_MS;
    const invitation: Invitation = {
      invitationId,
      org,
      email,
      role,
      status: "pending",
      expiresAtMs,
      inviter: principal.id,
    };
    // Without the address: what names a person can be erased, and a receipt cannot.
    const facts = { invitation_id: invitationId, role };
    const receipt = command.seal("openagents.control.invitation_made.v1", invitationId, facts, nowMs);
    const receiptId = receipt.receipt_id;
    command.intend({ kind: INVITATION_MAIL, subject: invitationId, payload: {}, answers: false }, nowMs);
    const audit = { action: "invitation.made", subject: invitationId, details: { role }, receiptId };
    return {
      kind: "answer",
      output: { invitationId, expiresAt: expiresAtMs, receiptId },
      writes: [...replaceInvitation(invitation, nowMs), auditWrite(call, audit, nowMs)],
      afterCommit: wake,
    };
  });
}

export function cancelInvitation(
  { authority }: InvitationDeps,
  call: CommandCall,
  request: CancelInvitationRequest,
): Promise<CommandReply> {
  return authority.execute<CancelInvitationResponse>(call, request, async (command) => {
    const { principal } = call;
    const { orgId, invitationId } = request;
    if (orgId !== principal.org) throw notFound("org", orgId);
    const notPerson = refuseOthersThanPersons(principal);
    if (notPerson !== undefined) return notPerson;
    const callerRole = await lockMembership(command.tx, orgId, principal.id);
    if (callerRole === undefined) throw notFound("org", orgId);
    if (callerRole !== "owner" && callerRole !== "admin") return adminsOnly();
    const invitation = await lockInvitation(command.tx, invitationId);
    if (invitation === undefined || invitation.org !== orgId) throw notFound("invitation", invitationId);
    if (invitation.status !== "pending") return ended(invitation);
    const audit = { action: "invitation.cancelled", subject: invitationId };
    return {
      kind: "answer",
      output: { invitationId },
      writes: [markInvitation(invitationId, "canceled"), auditWrite(call, audit, command.nowMs())],
    };
  });
}

export function acceptInvitation(
  { authority }: InvitationDeps,
  call: CommandCall,
  request: AcceptInvitationRequest,
): Promise<CommandReply> {
  return authority.execute<AcceptInvitationResponse>(call, request, async (command) => {
    const found = await lockMine(command.tx, call, request.invitationId);
    if ("kind" in found) return found;
    const { invitation, userId } = found;
    const { invitationId, org, role, status, expiresAtMs } = invitation;
    if (status !== "pending") return ended(invitation);
    const nowMs = command.nowMs();
    if (nowMs >= expiresAtMs) {
      const detail = "The invitation has expired. Ask for another one.";
      return refused("state", "invitation_expired", detail);
    }
    if ((await lockMembership(command.tx, org, userId)) !== undefined)
      return refused("state", "already_member", "You are a member already.");
    const facts = { user_id: userId, role, invitation_id: invitationId };
    const receipt = command.seal("openagents.control.member_added.v1", userId, facts, nowMs, org);
    const receiptId = receipt.receipt_id;
    const audit = { action: "invitation.accepted", subject: userId, details: { role }, org, receiptId };
    return {
      kind: "answer",
      output: { orgId: org, role, receiptId },
      writes: [
        insertMember({ memberId: newId("mem", nowMs), org, userId, role, nowMs }),
        markInvitation(invitationId, "accepted"),
        auditWrite(call, audit, nowMs),
      ],
    };
  });
}

export function declineInvitation(
  { authority }: InvitationDeps,
  call: CommandCall,
  request: DeclineInvitationRequest,
): Promise<CommandReply> {
  return authority.execute<DeclineInvitationResponse>(call, request, async (command) => {
    const found = await lockMine(command.tx, call, request.invitationId);
    if ("kind" in found) return found;
    const { invitation } = found;
    const { invitationId, org } = invitation;
    if (invitation.status !== "pending") return ended(invitation);
    const audit = { action: "invitation.declined", subject: invitationId, org };
    return {
      kind: "answer",
      output: { invitationId },
      writes: [markInvitation(invitationId, "rejected"), auditWrite(call, audit, command.nowMs())],
    };
  });
}

/** Throws 404 for whoever has not proven to have the address: whether it is there is not theirs to know. */
async function lockMine(
  tx: Tx,
  { principal }: CommandCall,
  invitationId: string,
): Promise<Refusal | { readonly invitation: Invitation; readonly userId: string }> {
  const notPerson = refuseOthersThanPersons(principal);
  if (notPerson !== undefined) return notPerson;
  const person = await lockPerson(tx, principal.id);
  const invitation = await lockInvitation(tx, invitationId);
  const isTheirs = person?.emailVerified === true && person.email.toLowerCase() === invitation?.email;
  if (person === undefined || invitation === undefined || !isTheirs)
    throw notFound("invitation", invitationId);
  return { invitation, userId: person.userId };
}

function ended({ status }: Invitation): Refusal {
  const word = { pending: "waiting", accepted: "accepted", rejected: "declined", canceled: "taken back" }[
    status
  ];
  return refused("state", "invitation_ended", `The invitation was ${word}. Ask for another one.`);
}

function refused(rule: Refusal["rule"], reason: string, detail: string): Refusal {
  return { kind: "refused", rule, reason, detail };
}

function tooMany(): ProblemError {
  return new ProblemError({
    status: 429,
    code: "too_many_attempts",
    detail: `You have invited ${HOURLY_MAX} people within an hour. Go on later.`,
    retryAfterMs: 600_000,
  });
}
