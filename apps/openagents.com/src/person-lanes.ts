// The nouns by which persons reach each other, decide what waits for them, and
// set up what works in their name.

import type { Authority } from "@openagents/authority";
import type { Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { createOutbound, startSweep, type After, type Logger } from "@openagents/service";
import type { ControlConfig } from "./config.ts";
import { inboxRoutes, startExpiry } from "./inbox/index.ts";
import { createSealer, integrationRoutes } from "./integrations/index.ts";
import { lightningRoutes } from "./lightning/index.ts";
import { mailLanes } from "./mail-lanes.ts";
import { forgetMailDeliveries, mailDeliveryRoutes } from "./mail-deliveries/index.ts";
import { createPersonOf, createUserOf, type FindDeviceOwner } from "./persons/index.ts";
import { profileRoutes } from "./profiles/index.ts";
import { shoutRoutes } from "./shouts/index.ts";
import { skillRoutes } from "./skills/index.ts";
import { whisperRoutes } from "./whispers/index.ts";

export type PersonLaneDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly config: Pick<ControlConfig, "sealingKeys" | "development" | "google">;
  /** Where browsers reach this service; known once it listens. */
  readonly publicUrl: () => string;
  readonly findDeviceOwner: FindDeviceOwner;
  /** All addresses of a name that an organisation gave; the system's resolver when absent. */
  readonly resolve?: ((name: string) => Promise<readonly string[]>) | undefined;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** When what the service does by itself is done; the process's timers when absent. */
  readonly after?: After | undefined;
  readonly resources: AsyncDisposableStack;
};

const FORGET_EVERY_MS = 600_000;

/** A message, as base64 in JSON. */
const MAIL_ANSWER_BYTES_MAX = 2 * 1024 * 1024;

export function personLanes(deps: PersonLaneDeps): Binding[] {
  const { db, authority, config, log, nowMs, resolve, after, resources } = deps;
  const userOf = createUserOf(createPersonOf(deps.findDeviceOwner));
  const outbound = createOutbound({
    // A Forgejo on a laptop is on that laptop.
    allowLoopback: config.development,
    ...(resolve === undefined ? {} : { resolve }),
  });
  const sealer = createSealer(config.sealingKeys);
  const mail = mailLanes({
    db,
    authority,
    google: config.google,
    publicUrl: deps.publicUrl,
    userOf,
    sealer,
    outbound: createOutbound({
      allowLoopback: config.development,
      answerBytesMax: MAIL_ANSWER_BYTES_MAX,
      ...(resolve === undefined ? {} : { resolve }),
    }),
    log,
    nowMs,
    after,
    resources,
  });
  resources.use(startExpiry({ authority, log, after }));
  resources.use(
    startSweep({
      what: "old deliveries of mail",
      everyMs: FORGET_EVERY_MS,
      log,
      after,
      look: () => forgetMailDeliveries(db, nowMs()),
    }),
  );
  return [
    profileRoutes({ db, authority, userOf }),
    shoutRoutes({ db, authority, userOf, nowMs }),
    whisperRoutes({ db, authority, userOf }),
    inboxRoutes({ db, authority, userOf, nowMs, decided: mail.decided }),
    ...mail.bindings,
    mailDeliveryRoutes({ db, authority }),
    integrationRoutes({ db, authority, sealer, outbound, log }),
    skillRoutes({ db, authority }),
    ...lightningRoutes(),
  ];
}
