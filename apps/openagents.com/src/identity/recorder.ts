import { callScope } from "./call-scope.ts";
import type { AuditEntry, AuditSink } from "./identity.ts";

/** Writes down what was done, now, from where the running request comes. */
export type Recorder = (entry: Omit<AuditEntry, "occurredAtMs" | "address">) => Promise<void>;

export function createRecorder(audit: AuditSink, nowMs: () => number): Recorder {
  return (entry) => {
    const address = callScope.getStore()?.address;
    return audit.record({ ...entry, occurredAtMs: nowMs(), ...(address === undefined ? {} : { address }) });
  };
}
