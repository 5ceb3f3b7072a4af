import { Button } from "@mantine/core";
import { Loading, Problem } from "@openagents/ui/react";
import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

type ReadProps<T> = {
  readonly of: UseQueryResult<T>;
  readonly lines?: number;
  readonly children: (value: T) => ReactNode;
};

/** What was read, or that it is being read, or why it cannot be, with a way on. */
export function Read<T>({ of, lines = 4, children }: ReadProps<T>) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.isPending) return <Loading lines={lines} />;
  return (
    <div className="oa-body">
      <Problem error={of.error} action={<WayOn error={of.error} again={() => void of.refetch()} />} />
    </div>
  );
}

function WayOn({ error, again }: { readonly error: unknown; readonly again: () => void }) {
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (status === 401) return <Link to="/sign-in">Sign in again</Link>;
  if (status === 403 || status === 404) return null;
  return (
    <Button size="compact-sm" variant="default" onClick={again}>
      Try again
    </Button>
  );
}
