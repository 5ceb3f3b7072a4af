// Clients of the services, all on this page's own origin, with the session's token.

import { createClient, type Client, type Contract } from "@openagents/contracts";
import { useQuery, type QueryKey, type UseQueryResult } from "@tanstack/react-query";
import { freshSignIn } from "./session/fresh-sign-in.ts";
import { session } from "./session/session.ts";

const clients = new Map<Contract, unknown>();

/** One client for each contract. Commands are sent once for each click: a repeat is the reader's own. */
export function client<T>(contract: Contract<T>): Client<T> {
  const known = clients.get(contract);
  // Kept under its own contract, whose type says what it is.
  if (known !== undefined) return known as Client<T>;
  const made = createClient(contract, { baseUrl: "", token: () => session.token(), fetch: renewing });
  clients.set(contract, made);
  return made;
}

/**
 * A token that was taken back, as a change of one's rights does it, is replaced
 * once by one of the same session, and one of a sign-in that is too old by one of a
 * new sign-in: the request had no effect, and keeps its key.
 */
const renewing: typeof fetch = async (input, init = {}) => {
  const answer = await fetch(input, init);
  if (answer.status !== 401 && answer.status !== 403) return answer;
  const code: unknown = Object(
    await answer
      .clone()
      .json()
      .catch(() => undefined),
  ).code;
  if (!(await mayRepeat(code))) return answer;
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${await session.token()}`);
  return fetch(input, { ...init, headers });
};

async function mayRepeat(code: unknown): Promise<boolean> {
  if (code === "fresh_sign_in_required") return freshSignIn.ask();
  if (code !== "token_revoked" && code !== "token_expired") return false;
  return (await session.renew()).kind === "signed_in";
}

/** How often what is read changes without the sync lane saying so. */
type Pace = { readonly everyMs?: number; readonly enabled?: boolean };

/** A read that the page shows and keeps current. */
export function useRead<T>(
  key: QueryKey,
  read: (signal: AbortSignal) => Promise<T>,
  { everyMs, enabled = true }: Pace = {},
): UseQueryResult<T> {
  return useQuery<T>({
    queryKey: key,
    queryFn: ({ signal }) => read(signal),
    enabled,
    refetchInterval: everyMs ?? false,
  });
}
