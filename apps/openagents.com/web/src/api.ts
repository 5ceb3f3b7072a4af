// Clients of the services, all on this page's own origin, with the session's token.

import { createClient, ProblemError, type Client, type Contract } from "@openagents/contracts";
import { QueryClient, useQuery, type QueryKey, type UseQueryResult } from "@tanstack/react-query";
import { session } from "./session/session.ts";

const clients = new Map<Contract, unknown>();

/** One client for each contract. Commands are sent once for each click: a repeat is the reader's own. */
export function client<T>(contract: Contract<T>): Client<T> {
  const known = clients.get(contract);
  // Kept under its own contract, whose type says what it is.
  if (known !== undefined) return known as Client<T>;
  const made = createClient(contract, { baseUrl: "", token: () => session.token() });
  clients.set(contract, made);
  return made;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => failures < 2 && error instanceof ProblemError && error.status >= 500,
      // The sync lane tells of changes; this is for what it does not tell.
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});

/** How often what is read changes without the sync lane saying so. */
type Pace = { readonly everyMs?: number; readonly enabled?: boolean };

/** A read that the page shows and keeps current. */
export function useRead<T>(
  key: QueryKey,
  read: (signal: AbortSignal) => Promise<T>,
  { everyMs, enabled = true }: Pace = {},
): UseQueryResult<T> {
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => read(signal),
    enabled,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}
