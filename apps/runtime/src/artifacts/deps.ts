import type { Authority } from "@openagents/authority";
import type { Database } from "@openagents/postgres";
import type { Arrivals } from "./arrivals.ts";
import type { BlobStore } from "./blob-store.ts";
import type { ArtifactReader } from "./reader.ts";
import type { ArtifactQuota } from "./retention.ts";

export type ArtifactsDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly store: BlobStore;
  readonly arrivals: Arrivals;
  readonly artifacts: ArtifactReader;
  readonly quota: ArtifactQuota;
  readonly nowMs: () => number;
};
