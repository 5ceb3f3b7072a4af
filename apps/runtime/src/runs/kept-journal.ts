// What a run leaves for another machine: an event of its executor names the
// journal and the artifacts that it rests on. Pure.

import type { EventDraft } from "./run.ts";

/** More than this are not looked at: attempts and layers are few. */
const ARTIFACTS_MAX = 200;

/** The hashes that a `journal.kept` event names; none for any other event. */
export function artifactsKeptBy({ eventType, payload }: EventDraft): readonly string[] {
  if (eventType !== "journal.kept") return [];
  const { sha256, inputs } = payload;
  return [sha256, ...(Array.isArray(inputs) ? inputs : [])]
    .filter((each): each is string => typeof each === "string" && /^[0-9a-f]{64}$/.test(each))
    .slice(0, ARTIFACTS_MAX);
}
