// The shell that every service shares: HTTP server, authentication, problem
// answers, health, readiness, metrics, and a drain that loses no request.

import {
  Health,
  ProblemError,
  bind,
  mount,
  problemServerOptions,
  type Binding,
  type Contract,
  type HttpBody,
  type ReadinessCheck,
} from "@openagents/contracts";
import Fastify, { type FastifyInstance } from "fastify";
import type { Authenticator } from "./auth.ts";
import { trackConnections, type Connections } from "./connections.ts";
import type { Logger } from "./log.ts";
import { assertLoopbackRequest } from "./loopback.ts";
import { createMetrics, type ServiceMetrics } from "./metrics.ts";

export type ReadinessProbe = {
  readonly name: string;
  /** Undefined when it is well, else what is wrong. */
  check(): Promise<string | undefined>;
  /** What to tell about it when it is well. */
  note?(): Promise<string>;
};

export type ServiceAppConfig = {
  /** Label of the plane, such as `runtime_service`. */
  readonly service: string;
  readonly version: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly authenticate: Authenticator;
  readonly bindings: readonly Binding[];
  /** What a known failure of a dependency is to a caller, such as 503 for a database that is away. */
  readonly problemOf?: (error: unknown) => ProblemError | undefined;
  readonly readiness: readonly ReadinessProbe[];
  readonly metrics?: ServiceMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
};

export type ServiceApp = {
  readonly app: FastifyInstance;
  readonly metrics: ServiceMetrics;
  /** Everything that is served, health included. */
  readonly contracts: readonly Contract[];
  /** Listen; answers the base address. */
  start(): Promise<{ readonly url: string }>;
  /** Refuse new work, finish what is running, close. Safe to call twice. */
  stop(): Promise<void>;
};

/** How long a request may take to arrive in full, headers and body. */
const REQUEST_TIMEOUT_MS = 60_000;

/** How long running requests get to end once a drain began. */
const DRAIN_MS = 15_000;

/** What a load balancer asks while it takes the service out. */
const TOLD_WHILE_DRAINING = new Set(["/healthz", "/readyz", "/metrics"]);

export function createServiceApp(config: ServiceAppConfig): ServiceApp {
  const metrics = config.metrics ?? createMetrics(config.service);
  const startedAtMs = config.nowMs();
  let draining = false;

  const app = Fastify({
    ...problemServerOptions,
    logger: false,
    bodyLimit: 1024 * 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: 65_000,
    // The hook below refuses in our own form.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 512 },
  });

  const connections = trackConnections(app);
  const loopback = isLoopback(config.host);
  app.addHook("onRequest", (request, _reply, done) => {
    if (draining && !TOLD_WHILE_DRAINING.has(request.routeOptions.url ?? "")) throw shuttingDown();
    if (loopback) assertLoopbackRequest(request.headers.host, request.headers.origin);
    done();
  });

  const health = bind(Health, {
    async getHealth() {
      return {
        status: "ok",
        service: config.service,
        version: config.version,
        uptimeMs: BigInt(Math.max(0, Math.round(config.nowMs() - startedAtMs))),
      };
    },
    async getReadiness() {
      const checks = await Promise.all(config.readiness.map(runProbe));
      checks.push({
        name: "accepting",
        ok: !draining,
        ...(draining ? { detail: "The service is shutting down." } : {}),
      });
      const failed = checks.filter((check) => !check.ok);
      if (failed.length > 0) {
        throw new ProblemError({
          status: 503,
          code: "not_ready",
          detail: failed.map((check) => `${check.name}: ${check.detail ?? "failed"}`).join("; "),
          retryAfterMs: 1_000,
        });
      }
      return { status: "ready", checks };
    },
    async getMetrics(): Promise<HttpBody> {
      return {
        contentType: metrics.registry.contentType,
        data: Buffer.from(await metrics.registry.metrics()),
      };
    },
  });

  const bindings = [health, ...config.bindings];
  mount(app, bindings, {
    authenticate: (request, method) => config.authenticate(request.headers.authorization, method.effect),
    observe: (method, status, durationMs) => metrics.observeCall(method, status, durationMs),
    problemOf: config.problemOf,
    onInternalError: (error, method, requestId) => {
      config.log.error({ err: error, method, request_id: requestId }, "call failed");
    },
  });

  let stopping: Promise<void> | undefined;
  return {
    app,
    metrics,
    contracts: bindings.map((binding) => binding.contract),
    async start() {
      const url = await app.listen({ host: config.host, port: config.port });
      return { url };
    },
    stop() {
      draining = true;
      stopping ??= closeWithin(app, connections, DRAIN_MS);
      return stopping;
    },
  };
}

async function runProbe(probe: ReadinessProbe): Promise<ReadinessCheck> {
  try {
    const problem = await probe.check();
    if (problem !== undefined) return { name: probe.name, ok: false, detail: problem };
    return { name: probe.name, ok: true, detail: await probe.note?.() };
  } catch {
    // The cause may hold addresses and credentials; the log of the failing part has it.
    return { name: probe.name, ok: false, detail: "The check failed." };
  }
}

function shuttingDown(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "shutting_down",
    detail: "The service is shutting down and takes no new requests. Try again shortly.",
    retryAfterMs: 1_000,
  });
}

/** A request that never ends must not hold the process for ever, nor a client that keeps its connection open. */
async function closeWithin(app: FastifyInstance, connections: Connections, limitMs: number): Promise<void> {
  const idle = setInterval(() => connections.closeIdle(), 20);
  const limit = setTimeout(() => app.server.closeAllConnections(), limitMs);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(limit);
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
