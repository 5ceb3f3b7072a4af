// Where a provider is told of jobs that wait for it. Being told is only a reason
// to ask now: the job is claimed as always, so that a push which is lost, late or
// repeated does no harm.
//
// TOLD-1  Only what the runtime signed, and for this worker, is heard.
// TOLD-2  A job that was told of before wakes nobody again.
// TOLD-3  Nobody who calls gets more out of it than a bounded body and a bounded time.
// Held by tests/push-listener.test.ts.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  PROBLEM_CONTENT_TYPE,
  ProblemError,
  decode,
  problemBody,
  sandboxRunPushDesc,
  type SandboxRunPush,
} from "@openagents/contracts";
import { pushHash, verifySignature } from "@openagents/receipts";

export type PushListener = AsyncDisposable & {
  readonly port: number;
  /** Hear pushes for this worker; all are refused before. */
  hear(workerId: string): void;
};

export type PushListenerOptions = {
  /** On loopback; 0 takes any free port. */
  readonly port: number;
  /** The key that the runtime signs receipts with; asked for until it is had. */
  readonly findPublicKey: (signal: AbortSignal) => Promise<string>;
  /** Told once for each job. */
  readonly onPush: () => void;
};

const PATH = "/v1/sandbox_run";
const BODY_BYTES_MAX = 4_096;
const CONNECTIONS_MAX = 64;
const REQUEST_MS_MAX = 5_000;
/** Jobs remembered, so that repeats are known. */
const KNOWN_MAX = 1_000;

/** Listen on loopback. Rejects when the port is taken. */
export async function listenForPushes(options: PushListenerOptions): Promise<PushListener> {
  const known = new Set<string>();
  const closed = new AbortController();
  let worker: string | undefined;
  let publicKey: Promise<string> | undefined;
  const findPublicKey = () => {
    publicKey ??= options.findPublicKey(closed.signal).catch((cause: unknown) => {
      publicKey = undefined;
      throw problem(503, "signer_unknown", "The runtime's key is not to be had now. Send it later.", cause);
    });
    return publicKey;
  };

  const hear = async (request: IncomingMessage) => {
    if (request.method !== "POST" || request.url !== PATH)
      throw problem(404, "route_not_found", `Only POST ${PATH} is served here.`);
    const body = await read(request);
    const signature = request.headers["x-openagents-signature"];
    if (!verifySignature(signature, pushHash(body), await findPublicKey()))
      throw problem(401, "signature_invalid", "The runtime that this provider sells to did not sign this.");
    const { jobId, workerId } = parse(body);
    if (request.headers["x-idempotency-key"] !== jobId)
      throw problem(400, "idempotency_key_invalid", "The header x-idempotency-key is the job's id.");
    if (workerId !== worker)
      throw problem(404, "worker_not_found", `The worker ${workerId} does not run here now.`);
    if (known.has(jobId)) return;
    const [oldest] = known;
    if (known.size >= KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    known.add(jobId);
    options.onPush();
  };
  const server = createServer((request, response) => {
    hear(request).then(
      () => response.writeHead(202).end(),
      (error: unknown) => refuse(response, error),
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_MS_MAX;
  server.headersTimeout = REQUEST_MS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    hear: (workerId) => {
      worker = workerId;
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX)
      throw problem(413, "body_too_large", `A push has at most ${BODY_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(body: string): SandboxRunPush {
  try {
    return decode(sandboxRunPushDesc, JSON.parse(body));
  } catch (cause) {
    throw problem(400, "body_invalid", "The body is no SandboxRunPush.", cause);
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  const known =
    error instanceof ProblemError ? error : problem(500, "internal_error", "It was not heard.", error);
  // What is left of a body that is too large is not read.
  response
    .writeHead(known.status, { "content-type": PROBLEM_CONTENT_TYPE, connection: "close" })
    .end(problemBody(known, `req_${crypto.randomUUID()}`));
}

function problem(status: number, code: string, detail: string, cause?: unknown): ProblemError {
  return new ProblemError({ status, code, detail, ...(cause === undefined ? {} : { cause }) });
}
