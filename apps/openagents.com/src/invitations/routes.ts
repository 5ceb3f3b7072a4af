import { Invitations, bind, type Binding } from "@openagents/contracts";
import {
  acceptInvitation,
  cancelInvitation,
  declineInvitation,
  inviteMember,
  type InvitationDeps,
} from "./service.ts";

export function invitationRoutes(deps: InvitationDeps): Binding {
  return bind(Invitations, {
    inviteMember: (request, call) => inviteMember(deps, call, request),
    cancelInvitation: (request, call) => cancelInvitation(deps, call, request),
    acceptInvitation: (request, call) => acceptInvitation(deps, call, request),
    declineInvitation: (request, call) => declineInvitation(deps, call, request),
  });
}
