// What the sync server counts. Labels are codes and never ids.

import { createMetrics, type ServiceMetrics } from "@openagents/service";
import { Counter } from "prom-client";

export type SyncMetrics = {
  readonly service: ServiceMetrics;
  delivered(events: number): void;
  /** A query, a reducer or a session that was refused. */
  refused(code: string): void;
  /** A session that the server ended. */
  ended(reason: string): void;
};

export function createSyncMetrics(): SyncMetrics {
  const service = createMetrics("sync_service");
  const registers = [service.registry];
  const delivered = new Counter({
    name: "openagents_sync_events_delivered_total",
    help: "Events delivered, counted once for each subscription.",
    registers,
  });
  const refused = new Counter({
    name: "openagents_sync_refusals_total",
    help: "Queries, reducers and sessions that were refused, by code.",
    labelNames: ["code"],
    registers,
  });
  const ended = new Counter({
    name: "openagents_sync_sessions_ended_total",
    help: "Sessions that the server ended, by reason; slow_consumer is one of them.",
    labelNames: ["reason"],
    registers,
  });
  return {
    service,
    delivered: (events) => delivered.inc(events),
    refused: (code) => refused.inc({ code }),
    ended: (reason) => ended.inc({ reason }),
  };
}
