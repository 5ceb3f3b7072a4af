import type { SamplingSeed } from "@openagents/contracts";

export type Seed = {
  readonly seedId: string;
  /** 32 bytes in hex; a secret until it is revealed. */
  readonly seed: string;
  readonly commitmentSha256: string;
  readonly openedAtMs: number;
  readonly revealedAtMs: number | undefined;
};

/** How long quotes name one seed. */
export const SEED_MS = 24 * 3_600_000;

/** Never the secret of a seed that is not revealed. */
export function seedMessage({
  seedId,
  seed,
  commitmentSha256,
  openedAtMs,
  revealedAtMs,
}: Seed): SamplingSeed {
  return {
    seedId,
    commitmentSha256,
    openedAt: openedAtMs,
    seed: revealedAtMs === undefined ? undefined : seed,
    revealedAt: revealedAtMs,
  };
}
