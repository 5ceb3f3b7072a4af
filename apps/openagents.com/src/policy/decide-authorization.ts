// What of a request a caller may do, with every reason against the rest. Pure.

import type { AuthorizeResponse, Principal } from "@openagents/contracts";

export type AuthorizationRequest = {
  readonly orgId: string;
  readonly requiredScopes: readonly string[];
  /** Each stream that was asked for, and whether the caller may read it. */
  readonly streams: readonly { readonly name: string; readonly allowed: boolean }[];
};

export function decideAuthorization(
  { org, scopes }: Pick<Principal, "org" | "scopes">,
  request: AuthorizationRequest,
): AuthorizeResponse {
  // A token is for one organisation, and says nothing about another.
  const inOrg = request.orgId === org;
  const grantedScopes = request.requiredScopes.filter((scope) => inOrg && scopes.has(scope));
  const grantedStreams = request.streams.filter(({ allowed }) => inOrg && allowed).map(({ name }) => name);
  const deniedReasons = [
    ...(inOrg ? [] : ["org_denied"]),
    ...without(request.requiredScopes, grantedScopes).map((scope) => `scope_denied:${scope}`),
    ...without(
      request.streams.map(({ name }) => name),
      grantedStreams,
    ).map((name) => `stream_denied:${name}`),
  ];
  return {
    allowed: deniedReasons.length === 0,
    orgId: request.orgId,
    grantedScopes,
    grantedStreams,
    deniedReasons,
  };
}

function without(all: readonly string[], granted: readonly string[]): string[] {
  return all.filter((each) => !granted.includes(each));
}
