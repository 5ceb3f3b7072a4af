import { newId, type Authority } from "@openagents/authority";
import {
  ProblemError,
  Whispers,
  bind,
  type Binding,
  type DeleteWhisperResponse,
  type ReadWhisperResponse,
  type SendWhisperResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, notFound, pageOf } from "@openagents/service";
import type { UserOf } from "../persons/index.ts";
import { findPerson, lockProfile, profileNeeded } from "../profiles/index.ts";
import {
  countWhispersSince,
  deleteCopy,
  deleteWhisper,
  insertWhisper,
  listWhispers,
  lockWhisper,
  markWhisperRead,
} from "./store.ts";
import { WHISPERS_PER_HOUR_MAX, whisperMessage, type Whisper } from "./whisper.ts";

export type WhisperDeps = { readonly db: Database; readonly authority: Authority; readonly userOf: UserOf };

/** Sorts after every id. */
const AFTER_ALL = "wsp_g";

const HOUR_MS = 3_600_000;

export function whisperRoutes(deps: WhisperDeps): Binding {
  return bind(Whispers, {
    sendWhisper: (request, call) =>
      deps.authority.execute<SendWhisperResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        const profile = await lockProfile(command.tx, userId);
        if (profile?.handle === undefined) return profileNeeded();
        const recipient = await findPerson(command.tx, request.to);
        if (recipient === undefined) throw notFound("person", request.to);
        if (recipient.userId === userId) {
          const detail = "A whisper goes to another person. Keep notes to yourself elsewhere.";
          return { kind: "refused", rule: "state", reason: "to_oneself", detail };
        }
        const nowMs = command.nowMs();
        if ((await countWhispersSince(command.tx, userId, nowMs - HOUR_MS)) >= WHISPERS_PER_HOUR_MAX)
          throw tooManyWhispers();
        const whisper: Whisper = {
          whisperId: newId("wsp", nowMs),
          sender: { userId, handle: profile.handle, displayName: profile.displayName },
          recipient,
          body: request.body,
          sentAtMs: nowMs,
          readAtMs: undefined,
        };
        return {
          kind: "answer",
          output: { whisper: whisperMessage(whisper) },
          writes: insertWhisper(whisper),
        };
      }),

    async listWhispers(request, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const before =
        request.cursor === undefined ? AFTER_ALL : decodeCursor(request.cursor, /^wsp_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const peer = request.with === undefined ? undefined : await findPerson(deps.db, request.with);
      if (request.with !== undefined && peer === undefined) throw notFound("person", request.with);
      const found = await listWhispers(deps.db, userId, { before, limit: limit + 1, peer: peer?.userId });
      const { items, nextCursor } = pageOf(found, limit, (whisper) => whisper.whisperId);
      return { whispers: items.map(whisperMessage), nextCursor };
    },

    readWhisper: (request, call) =>
      deps.authority.execute<ReadWhisperResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        const whisper = await lockWhisper(command.tx, userId, request.whisperId);
        // The sender sees it and has nothing to mark: to them there is no such thing to read.
        if (whisper?.recipient.userId !== userId) throw notFound("whisper", request.whisperId);
        if (whisper.readAtMs !== undefined)
          return { kind: "answer", output: { whisper: whisperMessage(whisper) }, writes: [] };
        const nowMs = command.nowMs();
        return {
          kind: "answer",
          output: { whisper: whisperMessage({ ...whisper, readAtMs: nowMs }) },
          writes: [markWhisperRead(whisper.whisperId, nowMs)],
        };
      }),

    deleteWhisper: (request, call) =>
      deps.authority.execute<DeleteWhisperResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        const { whisperId } = request;
        const whisper = await lockWhisper(command.tx, userId, whisperId);
        if (whisper === undefined) throw notFound("whisper", whisperId);
        return {
          kind: "answer",
          output: { whisperId },
          writes: [whisper.isLastCopy ? deleteWhisper(whisperId) : deleteCopy(userId, whisperId)],
        };
      }),
  });
}

function tooManyWhispers(): ProblemError {
  return new ProblemError({
    status: 429,
    code: "too_many_whispers",
    detail: `A person sends at most ${WHISPERS_PER_HOUR_MAX} whispers an hour. Try again later with the same key.`,
    retryAfterMs: 60_000,
  });
}
