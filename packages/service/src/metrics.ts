import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export type ServiceMetrics = {
  readonly registry: Registry;
  /** Count one answered call. Labels are method names and statuses, never ids. */
  observeCall(method: string, status: number, durationMs: number): void;
  /** A gauge that is read when it is scraped. */
  gauge(name: string, help: string, read: () => number): void;
};

/** Metrics of one service, in a registry of its own so that several run in one process. */
export function createMetrics(service: string): ServiceMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: "openagents_calls_total",
    help: "Calls answered, by contract method and status.",
    labelNames: ["method", "status"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "openagents_call_duration_seconds",
    help: "Time from request to answer, by contract method.",
    labelNames: ["method"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30],
    registers: [registry],
  });
  return {
    registry,
    observeCall(method, status, durationMs) {
      calls.inc({ method, status: String(status) });
      durations.observe({ method }, durationMs / 1000);
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
  };
}
