/** What a page may show of its own access token. It trusts nothing of it: services verify. */
export type Claims = { readonly userId: string; readonly org: string; readonly scopes: ReadonlySet<string> };

export function claimsOf(token: string): Claims {
  const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const claims = Object(JSON.parse(atob(part)));
  const scopes: unknown = claims.scopes;
  return {
    userId: String(claims.sub ?? ""),
    org: String(claims.org ?? ""),
    scopes: new Set(Array.isArray(scopes) ? scopes.map(String) : String(claims.scope ?? "").split(" ")),
  };
}
