import { randomBytes } from "node:crypto";
import { newId, type Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  OpenSamplingSeedRequest,
  OpenSamplingSeedResponse,
  RevealSamplingSeedRequest,
  RevealSamplingSeedResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { commitmentOf } from "./draw.ts";
import { SEED_MS, seedMessage, type Seed } from "./seed.ts";
import { findNewestSeed, findSeed, insertSeed, isSeedInUse, lockSeeds, markRevealed } from "./store.ts";

export type RandomBytes = (count: number) => Buffer;

export type SamplingDeps = {
  readonly db: Database;
  readonly authority: Authority;
  /** What seeds are made of; the system's when absent. */
  readonly randomBytes?: RandomBytes | undefined;
};

const SEED_BYTES = 32;

/** A quote that read the seed before the newer one was opened is committed long before this is over. */
export const SETTLING_MS = 600_000;

/** Commit to a fresh seed. Refused: `seed_is_fresh`. */
export function openSeed(
  deps: SamplingDeps,
  call: CommandCall,
  request: OpenSamplingSeedRequest,
): Promise<CommandReply> {
  return deps.authority.execute<OpenSamplingSeedResponse>(call, request, async (command) => {
    await lockSeeds(command.tx);
    const newest = await findNewestSeed(command.tx);
    const nowMs = command.nowMs();
    if (newest !== undefined && nowMs < newest.openedAtMs + SEED_MS) {
      return {
        kind: "refused",
        rule: "state",
        reason: "seed_is_fresh",
        detail: `Quotes name ${newest.seedId} for a day. Open another one after that.`,
      };
    }
    const seed = (deps.randomBytes ?? randomBytes)(SEED_BYTES).toString("hex");
    const opened: Seed = {
      seedId: newId("seed", nowMs),
      seed,
      commitmentSha256: commitmentOf(seed),
      openedAtMs: nowMs,
      revealedAtMs: undefined,
    };
    const receipt = command.seal(
      "openagents.runtime.sampling_seed_opened.v1",
      opened.seedId,
      { seed_id: opened.seedId, commitment_sha256: opened.commitmentSha256 },
      nowMs,
    );
    return {
      kind: "answer",
      output: { seed: seedMessage(opened), receiptId: receipt.receipt_id },
      writes: [insertSeed(opened)],
    };
  });
}

/** In order of precedence. */
type RevealRefusal = "seed_revealed" | "seed_is_newest" | "seed_in_use";

/** Publish a seed. A sampled quote that is made meanwhile names the newest one, which is never this one. */
export function revealSeed(
  deps: SamplingDeps,
  call: CommandCall,
  request: RevealSamplingSeedRequest,
): Promise<CommandReply> {
  return deps.authority.execute<RevealSamplingSeedResponse>(call, request, async (command) => {
    await lockSeeds(command.tx);
    const seed = await findSeed(command.tx, request.seedId);
    if (seed === undefined) throw notFound("seed", request.seedId);
    const newest = await findNewestSeed(command.tx);
    const nowMs = command.nowMs();
    const refused: RevealRefusal | undefined =
      seed.revealedAtMs !== undefined
        ? "seed_revealed"
        : newest?.seedId === seed.seedId
          ? "seed_is_newest"
          : nowMs < (newest?.openedAtMs ?? nowMs) + SETTLING_MS ||
              (await isSeedInUse(command.tx, seed.seedId, nowMs))
            ? "seed_in_use"
            : undefined;
    if (refused !== undefined)
      return { kind: "refused", rule: "state", reason: refused, detail: REVEAL_DETAILS[refused] };
    const revealed: Seed = { ...seed, revealedAtMs: nowMs };
    const receipt = command.seal(
      "openagents.runtime.sampling_seed_revealed.v1",
      seed.seedId,
      { seed_id: seed.seedId, commitment_sha256: seed.commitmentSha256, seed: seed.seed },
      nowMs,
    );
    return {
      kind: "answer",
      output: { seed: seedMessage(revealed), receiptId: receipt.receipt_id },
      writes: [markRevealed(seed.seedId, nowMs)],
    };
  });
}

const REVEAL_DETAILS: Readonly<Record<RevealRefusal, string>> = {
  seed_revealed: "The seed is revealed already. Read it.",
  seed_is_newest: "Quotes name this seed. Reveal it after another one was opened.",
  seed_in_use: "Jobs that rest on this seed are not decided yet. Reveal it later.",
};
