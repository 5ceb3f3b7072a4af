// All contracts on a Fastify app, served by a stand-in that remembers its calls.

import type { TestContext } from "node:test";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import Fastify from "fastify";
import {
  Artifacts,
  Health,
  Jobs,
  ProblemError,
  Runs,
  Workers,
  allScopes,
  bind,
  createRunResponseDesc,
  encodeText,
  mount,
  problemServerOptions,
  putArtifactResponseDesc,
  registerWorkerResponseDesc,
  type Binding,
  type Call,
  type CommandCall,
  type CommandReply,
  type MountOptions,
  type Principal,
  type Run,
} from "../src/index.ts";

export type Seen = { readonly input: unknown; readonly call: Call | CommandCall };

export type FakeService = {
  readonly url: string;
  /** What reached a handler, in order. */
  readonly seen: Seen[];
  readonly observed: (readonly [method: string, status: number])[];
  readonly internal: unknown[];
  /** Replaces what the next commands answer. */
  reply: ((call: CommandCall) => CommandReply | Promise<CommandReply>) | undefined;
  /** Replaces what GetRun does. */
  read: ((call: Call) => Promise<Run>) | undefined;
};

export const PRINCIPAL: Principal = {
  id: "usr_a",
  kind: "user",
  org: "org_a",
  scopes: new Set(allScopes()),
  zoneTenths: 5,
  tokenId: "tok_1",
};

export const RUN: Run = {
  runId: `run_${"0".repeat(32)}`,
  org: "org_a",
  createdBy: "usr_a",
  status: "running",
  metadata: {},
  latestSeq: 1n,
  trajectoryHash: "",
  createdAt: 0,
  updatedAt: 0,
};

/** The token is the list of scopes, `all`, or `service`; anything else is refused. */
export const authenticate: MountOptions["authenticate"] = async (request) => {
  const token = request.headers.authorization?.replace("Bearer ", "");
  if (token === undefined)
    throw new ProblemError({ status: 401, code: "token_missing", detail: "Send a token." });
  if (token === "all") return PRINCIPAL;
  if (token === "service") return { ...PRINCIPAL, kind: "service" };
  return { ...PRINCIPAL, scopes: new Set(token.split(",")) };
};

export async function startFake(
  t: TestContext,
  extra: readonly Binding[] = [],
  options: Partial<MountOptions> = {},
): Promise<FakeService> {
  const app = Fastify({ ...problemServerOptions, forceCloseConnections: true });
  const service: Omit<FakeService, "url"> = {
    seen: [],
    observed: [],
    internal: [],
    reply: undefined,
    read: undefined,
  };
  mount(app, [...fakeBindings(service), ...extra], {
    authenticate,
    observe: (method, status) => service.observed.push([method, status]),
    onInternalError: (error) => service.internal.push(error),
    ...options,
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  return Object.assign(service, { url });
}

function fakeBindings(service: Omit<FakeService, "url">): Binding[] {
  const note = (input: unknown, call: Call | CommandCall) => service.seen.push({ input, call });
  const command = async (input: unknown, call: CommandCall, body: string): Promise<CommandReply> => {
    note(input, call);
    return (
      service.reply?.(call) ?? {
        status: call.method.successStatus,
        contentType: JSON_TYPE,
        body,
        replayed: false,
      }
    );
  };
  const unserved = async (): Promise<never> => {
    throw new Error("postgres://user:secret@host: a cause that nobody outside may read");
  };
  const worker = encodeText(registerWorkerResponseDesc, { worker: WORKER, receiptId: "rcpt_1" });
  return [
    bind(Health, {
      getHealth: async () => ({ status: "ok", service: "fake", version: "0", uptimeMs: 1n }),
      getReadiness: unserved,
      getMetrics: async () => ({ contentType: "text/plain; version=0.0.4", data: Buffer.from("up 1\n") }),
    }),
    bind(
      Runs,
      {
        createRun: (input, call) =>
          command(input, call, encodeText(createRunResponseDesc, { run: RUN, receiptId: "rcpt_1" })),
        appendRunEvent: unserved,
        acquireExecutor: unserved,
        renewExecutor: unserved,
        releaseExecutor: unserved,
        recordLostExecutor: unserved,
        cancelRun: unserved,
        forkRun: unserved,
        sealBundle: unserved,
        listRuns: async (input, call) => {
          note(input, call);
          return { runs: [RUN] };
        },
        getRun: async (input, call) => {
          note(input, call);
          return { run: service.read === undefined ? RUN : await service.read(call) };
        },
        listRunEvents: unserved,
        getRunReceipt: unserved,
        getRunReplay: async () => ({
          contentType: "application/x-ndjson",
          data: Readable.from(["{}\n", "{}\n"]),
        }),
      },
      { listRunEvents: unserved },
    ),
    bind(Workers, {
      registerWorker: (input, call) => command(input, call, worker),
      heartbeatWorker: (input, call) =>
        command(input, call, `{"worker":${JSON.stringify(JSON.parse(worker).worker)}}`),
      stopWorker: unserved,
      reinstateWorker: unserved,
      disableWorker: unserved,
      listWorkers: unserved,
      getWorker: unserved,
    }),
    bind(Jobs, {
      claimJob: unserved,
      renewLease: unserved,
      submitResult: unserved,
      getJob: unserved,
      sweepLeases: unserved,
      listWorkerJobs: unserved,
    }),
    bind(Artifacts, {
      async putArtifact(input, call) {
        const { data } = input.content;
        const bytes = data instanceof Readable ? await buffer(data) : Buffer.alloc(0);
        const stored = { sha256: input.sha256, bytes: BigInt(bytes.length) };
        return command(
          { ...input, content: { contentType: input.content.contentType, data: bytes } },
          call,
          encodeText(putArtifactResponseDesc, stored),
        );
      },
      getArtifact: async (input, call) => {
        note(input, call);
        return { contentType: "application/octet-stream", data: Buffer.from("bytes") };
      },
      listArtifacts: unserved,
      statArtifact: unserved,
      shareArtifact: unserved,
      collectArtifacts: unserved,
    }),
  ];
}

export const JSON_TYPE = "application/json; charset=utf-8";

const WORKER = {
  workerId: `wrk_${"0".repeat(32)}`,
  org: "org_a",
  owner: "usr_a",
  displayName: "w",
  roles: ["provider"],
  status: "running",
  liveness: "fresh",
  capabilities: [],
  priceMsats: 0n,
  priceBands: [],
  caps: { memoryMibMax: 64, diskMibMax: 16, wallMsMax: 1000n, concurrentJobsMax: 1 },
  toolchains: [],
  zoneTenths: 5,
  lastHeartbeatAt: 0,
  createdAt: 0,
  strikes: 0,
  quarantined: false,
} as const;
