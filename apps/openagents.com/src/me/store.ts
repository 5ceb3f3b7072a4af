import { statement, type Tx } from "@openagents/postgres";

const DELETE = statement(
  "me.delete_sessions",
  `DELETE FROM auth."session"
    WHERE "userId" = $1 AND ($2::text IS NULL OR "id" = $2) AND ($3::text IS NULL OR "id" <> $3)
   RETURNING "id"`,
);

/** End a person's sessions: one, all, or all but one. Answers which ended, in order. */
export async function deleteSessions(
  tx: Tx,
  which: {
    readonly userId: string;
    readonly only?: string | undefined;
    readonly except?: string | undefined;
  },
): Promise<string[]> {
  const values = [which.userId, which.only ?? null, which.except ?? null];
  const rows = await tx.query<{ id: string }>(DELETE, values);
  return rows.map((row) => row.id).sort();
}
