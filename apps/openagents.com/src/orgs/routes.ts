import {
  Orgs,
  ProblemError,
  bind,
  type Binding,
  type Principal,
  type SetActiveOrgResponse,
} from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, encodeCursor, notFound } from "@openagents/service";
import { createOrg, leaveOrg, updateOrg } from "./own-memberships.ts";
import { removeMember, setMemberRole, type OrgDeps } from "./service.ts";
import { listMembers, listMemberships, setActiveOrg } from "./store.ts";
import { memberMessage, orgMembershipMessage } from "./wire.ts";

export function orgRoutes(deps: OrgDeps & { readonly db: Queryable }): Binding {
  const { db, authority } = deps;
  return bind(Orgs, {
    async listMemberships(_request, call) {
      const { id, org } = requirePerson(call.principal);
      const memberships = await listMemberships(db, id);
      return { activeOrgId: org, memberships: memberships.map(orgMembershipMessage) };
    },

    setActiveOrg: ({ orgId }, call) => {
      const { id: userId, session } = requirePerson(call.principal);
      return authority.perform<SetActiveOrgResponse>(call, async (command) => {
        const memberships = await listMemberships(command.tx, userId);
        if (!memberships.some((each) => each.orgId === orgId)) throw notFound("org", orgId);
        const sessionId = session ?? "";
        const nowMs = command.nowMs();
        const isSet = await setActiveOrg(command.tx, { sessionId, userId, org: orgId, nowMs });
        if (!isSet) throw notFound("session", sessionId);
        return {
          kind: "answer",
          output: { activeOrgId: orgId, memberships: memberships.map(orgMembershipMessage) },
          writes: [],
        };
      });
    },

    async listMembers(request, call) {
      if (request.orgId !== call.principal.org) throw notFound("org", request.orgId);
      const after = request.cursor === undefined ? "" : decodeCursor(request.cursor, /^usr_[0-9a-z_]{1,60}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listMembers(db, request.orgId, after, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        members: page.map(memberMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.userId),
      };
    },

    createOrg: (request, call) => createOrg(deps, call, request),
    updateOrg: (request, call) => updateOrg(deps, call, request),
    leaveOrg: (request, call) => leaveOrg(deps, call, request),
    setMemberRole: (request, call) => setMemberRole(deps, call, request),
    removeMember: (request, call) => removeMember(deps, call, request),
  });
}

function requirePerson(principal: Principal): Principal {
  if (principal.kind === "user") return principal;
  throw new ProblemError({
    status: 403,
    code: "person_required",
    detail: `Persons are members of organisations; this token is a ${principal.kind}'s.`,
  });
}
