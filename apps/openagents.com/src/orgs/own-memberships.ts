// What a person does about organisations: makes one, names it, goes.

import { newId, type Authority, type Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  CreateOrgRequest,
  CreateOrgResponse,
  LeaveOrgRequest,
  LeaveOrgResponse,
  UpdateOrgRequest,
  UpdateOrgResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { deleteMailboxesOf } from "../mailboxes/index.ts";
import { auditWrite } from "../audit/index.ts";
import { decideMember } from "./decide-member.ts";
import { refusal, refuseOthersThanPersons, stopTokens, type OrgDeps } from "./service.ts";
import {
  cancelInvitationsOf,
  deleteMember,
  insertMember,
  insertOrg,
  listMemberships,
  lockMembers,
  lockMembership,
  lockOrg,
  lockPerson,
  lockSlug,
  markOrgNames,
} from "./store.ts";
import { orgMembershipMessage } from "./wire.ts";

/** Nobody needs more, and every token is made from the list. */
const ORGS_MAX = 100;

/** Of personal organisations, whose short names follow from their ids. */
const RESERVED_SLUG = /^(org|usr)-/;

export function createOrg(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: CreateOrgRequest,
): Promise<CommandReply> {
  return authority.execute<CreateOrgResponse>(call, request, async (command) => {
    const { principal } = call;
    const notPerson = refuseOthersThanPersons(principal);
    if (notPerson !== undefined) return notPerson;
    const person = await lockPerson(command.tx, principal.id);
    if (person === undefined) throw notFound("person", principal.id);
    if ((await listMemberships(command.tx, person.userId)).length >= ORGS_MAX) {
      const detail = `You are in ${ORGS_MAX} organisations. Leave one first.`;
      return { kind: "refused", rule: "state", reason: "org_limit", detail };
    }
    const nowMs = command.nowMs();
    const { name, slug } = request;
    const orgId = newId("org", nowMs);
    const isFree = !RESERVED_SLUG.test(slug) && (await lockSlug(command.tx, slug)) === undefined;
    if (!isFree || !(await insertOrg(command.tx, { orgId, name, slug }, nowMs))) return slugTaken(slug);
    const receipt = command.seal("openagents.control.org_created.v1", orgId, { org: orgId }, nowMs, orgId);
    const receiptId = receipt.receipt_id;
    const audit = { action: "organization.created", subject: orgId, org: orgId, receiptId };
    const member = { memberId: newId("mem", nowMs), org: orgId, userId: person.userId, nowMs };
    return {
      kind: "answer",
      output: {
        membership: orgMembershipMessage({
          orgId,
          orgName: name,
          orgSlug: slug,
          role: "owner",
          personal: false,
        }),
        receiptId,
      },
      writes: [insertMember({ ...member, role: "owner" }), auditWrite(call, audit, nowMs)],
    };
  });
}

export function updateOrg(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: UpdateOrgRequest,
): Promise<CommandReply> {
  return authority.execute<UpdateOrgResponse>(call, request, async (command) => {
    const { principal } = call;
    const { orgId } = request;
    if (orgId !== principal.org) throw notFound("org", orgId);
    const notPerson = refuseOthersThanPersons(principal);
    if (notPerson !== undefined) return notPerson;
    const role = await lockMembership(command.tx, orgId, principal.id);
    // A short name before the organisation, as everybody takes them.
    const slugsOrg = request.slug === undefined ? undefined : await lockSlug(command.tx, request.slug);
    const org = await lockOrg(command.tx, orgId);
    if (role === undefined || org === undefined) throw notFound("org", orgId);
    if (role !== "owner" && role !== "admin") return adminsOnly();
    const after = { orgId, name: request.name ?? org.name, slug: request.slug ?? org.slug };
    const isNew = after.slug !== org.slug;
    if (isNew && (slugsOrg !== undefined || RESERVED_SLUG.test(after.slug))) return slugTaken(after.slug);
    const audit = { action: "organization.changed", subject: orgId };
    return {
      kind: "answer",
      output: { org: after },
      writes: [markOrgNames(after), auditWrite(call, audit, command.nowMs())],
    };
  });
}

export function leaveOrg(
  { authority, revocations }: OrgDeps,
  call: CommandCall,
  { orgId }: LeaveOrgRequest,
): Promise<CommandReply> {
  return authority.execute<LeaveOrgResponse>(call, { orgId }, async (command) => {
    const { principal } = call;
    const notPerson = refuseOthersThanPersons(principal);
    if (notPerson !== undefined) return notPerson;
    const members = await lockMembers(command.tx, orgId, [principal.id]);
    const member = members.find((each) => each.userId === principal.id);
    const org = await lockOrg(command.tx, orgId);
    if (member === undefined || org === undefined) throw notFound("org", orgId);
    if (org.personal) {
      const detail = "A personal organisation goes with its person's account, and not before.";
      return { kind: "refused", rule: "policy", reason: "personal_organization", detail };
    }
    const owners = members.filter((each) => each.role === "owner").length;
    const { userId, role } = member;
    const refused = decideMember({ callerRole: role, memberRole: role, newRole: undefined, owners });
    if (refused !== undefined) return refusal(refused);
    const nowMs = command.nowMs();
    const facts = { user_id: userId, role };
    const receipt = command.seal("openagents.control.member_removed.v1", userId, facts, nowMs, orgId);
    const receiptId = receipt.receipt_id;
    const audit = { action: "member.left", subject: userId, details: { role }, org: orgId, receiptId };
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

export function adminsOnly(): Refusal {
  const detail = "Owners and admins of the organisation do this. Ask one.";
  return { kind: "refused", rule: "policy", reason: "admins_only", detail };
}

function slugTaken(slug: string): Refusal {
  const detail = `The short name ${slug} is another organisation's, or kept for a personal one. Choose another.`;
  return { kind: "refused", rule: "state", reason: "slug_taken", detail };
}
