// Where one provider of this computer keeps its worker, its work and its record.
// One process at a time sits in a seat.

import { join } from "node:path";
import type { DataDir } from "../data-dir.ts";

export type ProviderSeat = {
  /** Also the name of the folder. */
  readonly key: string;
  readonly root: string;
  readonly lock: string;
  /** There while the provider is registered and sells. */
  readonly record: string;
  readonly activity: string;
};

/** The key is of [a-z0-9_]: a principal, or `remote_` and a hash. */
export function providerSeatAt(dataDir: DataDir, key: string): ProviderSeat {
  const root = join(dataDir.providers, key);
  return {
    key,
    root,
    lock: join(root, "provider.lock"),
    record: join(root, "provider.json"),
    activity: join(root, "activity.json"),
  };
}

/** Held by the command that runs the market of this computer. */
export function setLockOf(dataDir: DataDir): string {
  return join(dataDir.providers, "providers.lock");
}
