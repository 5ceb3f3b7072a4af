// How long artifacts are kept, and how much an organisation may store. Pure.
//
// stored     what an organisation uploaded: as long as something of its own refers
//            to it, and seven days after the last upload or quote in any case.
// handed_in  what providers handed in for its jobs: the same.
// shared     until the time that was given, and no longer.
//
// A job refers to its inputs and outputs, for its buyer and its provider, while it
// is open, its money is reserved, an incident about it is undecided or its run goes
// on, and for ninety days after it last changed: as long as its evidence may be asked for.
//
// What a run's executor left for another machine (`journal.kept`) is kept for ninety
// days after each such event, so that the run can be resumed that long.

export type ArtifactClass = "stored" | "handed_in" | "shared";

const DAY_MS = 24 * 3_600_000;

/** From an upload or a quote on. */
export const STAGED_MS = 7 * DAY_MS;

/** From a job's last change on. */
export const EVIDENCE_MS = 90 * DAY_MS;

/** When what is still referred to is looked at again. */
export const LOOK_AGAIN_MS = DAY_MS;

/** A quote asks for time when what it names ends sooner: longer than a quote binds and an order takes. */
export const QUOTED_MS = 3_600_000;

/** What an upload may take from its first byte in the store to its row. */
export const UPLOAD_MS = 3_600_000;

/** Readers that began before the last grant ended may finish. */
export const READERS_MS = 600_000;

export type ArtifactQuota = { readonly bytesMax: number; readonly objectsMax: number };

/** Enough for a team's bundles and layers of months. */
export const QUOTA_DEFAULT: ArtifactQuota = { bytesMax: 10 * 1024 ** 3, objectsMax: 100_000 };

export type QuotaRefusal = "org_bytes_max" | "org_objects_max";

/** Whether one more object of `bytes` goes beyond what an organisation may store. In order of precedence. */
export function decideQuota(
  used: { readonly bytes: number; readonly objects: number },
  bytes: number,
  quota: ArtifactQuota,
): QuotaRefusal | undefined {
  if (used.bytes + bytes > quota.bytesMax) return "org_bytes_max";
  if (used.objects + 1 > quota.objectsMax) return "org_objects_max";
  return undefined;
}
