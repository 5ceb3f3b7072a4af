import { QueryClient } from "@tanstack/react-query";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => failures < 2 && isServiceFailure(error),
      // The sync lane tells of changes; this is for what it does not tell.
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});

/** A problem of the service, which another try may not meet. */
function isServiceFailure(error: unknown): boolean {
  return (
    error instanceof Error && "status" in error && typeof error.status === "number" && error.status >= 500
  );
}
