// The statistics that everybody sees, without signing in.

export type PublicStats = Readonly<Record<string, unknown>>;

export async function readPublicStats(signal: AbortSignal): Promise<PublicStats | undefined> {
  const answer = await fetch("/api/stats", { signal, headers: { accept: "application/json" } });
  if (!answer.ok) return undefined;
  return Object(await answer.json());
}
