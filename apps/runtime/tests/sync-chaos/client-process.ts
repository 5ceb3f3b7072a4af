// A client as a process of its own, which a test may kill.
//
//   node client-process.ts OPTIONS

import { startSyncClient } from "@openagents/spacetime";
import { openEffects } from "./effects.ts";
import { describeStatus } from "./describe-status.ts";
import { syncToken } from "./tokens.ts";

export type ClientProcessOptions = {
  readonly url: string;
  readonly file: string;
  readonly streams: readonly string[];
  readonly key: Parameters<typeof syncToken>[0];
  readonly tokenLifeS: number;
};

const options: ClientProcessOptions = JSON.parse(process.argv[2] ?? "");
const effects = openEffects(options.file);
const client = startSyncClient({
  url: options.url,
  token: () => syncToken(options.key, options.streams, options.tokenLifeS),
  onStatus: (status) => process.stdout.write(`${describeStatus(status)}\n`),
  checkpoints: { savedBy: "handler", load: (streamId) => Promise.resolve(effects.checkpoint(streamId)) },
});
for (const streamId of options.streams) client.follow({ streamId, apply: (batch) => effects.apply(batch) });
process.once("SIGTERM", () => void client.stop().then(() => effects[Symbol.dispose]()));
