// A closed loop of clients: each sends its next request when the last is
// answered, over a connection of its own, for a given time.
//
// Over raw sockets, because an HTTP client's own cost would otherwise be a good
// part of what is measured on a machine with few processors: this one spends
// some 15 µs on a request.

import { connect, type Socket } from "node:net";

/** A whole HTTP/1.1 request. */
export type Request = Buffer;

export type Figures = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answers: number;
};

/** Throws when an answer has another status than expected: a fast refusal is no throughput. */
export async function measure(options: {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  readonly expectedStatus: number;
  /** The n-th request of a client. */
  readonly next: (client: number, n: number) => Request;
}): Promise<Figures> {
  const { clients, seconds, expectedStatus, next } = options;
  const connections = await Promise.all(Array.from({ length: clients }, () => openConnection(options.url)));
  try {
    return await repeat({ callers: clients, seconds }, async (client, n) => {
      const answer = await connections[client]?.send(next(client, n));
      if (answer?.status !== expectedStatus) throw new Error(`${answer?.status}: ${answer?.body.toString()}`);
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Call from so many callers, each again when its last call has ended, for a given time. */
export async function repeat(
  options: { readonly callers: number; readonly seconds: number },
  call: (caller: number, n: number) => Promise<unknown>,
): Promise<Figures> {
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + options.seconds * 1000;
  const run = async (caller: number) => {
    for (let n = 0; performance.now() < endAt; n += 1) {
      const calledAt = performance.now();
      await call(caller, n);
      latenciesMs.push(performance.now() - calledAt);
    }
  };
  await Promise.all(Array.from({ length: options.callers }, (_, index) => run(index)));
  const elapsedS = (performance.now() - startedAt) / 1000;
  latenciesMs.sort((a, b) => a - b);
  return {
    perSecond: latenciesMs.length / elapsedS,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    answers: latenciesMs.length,
  };
}

export function requestOf(
  verb: "GET" | "POST",
  path: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): Request {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = verb === "GET" ? "" : `content-length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`${verb} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("")}${length}\r\n${body}`);
}

type Answer = { readonly status: number; readonly body: Buffer };

type Connection = { send(request: Request): Promise<Answer>; close(): void };

export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let received: Buffer = Buffer.alloc(0);
  const fail = (error: Error) => waiting?.reject(error);
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the service closed the connection")));
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = parseAnswer(received);
    if (answer === undefined) return;
    received = Buffer.alloc(0);
    waiting?.resolve(answer);
  });
  return {
    send: (request) => {
      waiting = Promise.withResolvers<Answer>();
      socket.write(request);
      return waiting.promise;
    },
    close: () => closeSocket(socket),
  };
}

function closeSocket(socket: Socket): void {
  socket.removeAllListeners("close");
  socket.destroy();
}

/** One whole answer; undefined while a part of it is missing. Our service always announces the length. */
function parseAnswer(bytes: Buffer): Answer | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: ([0-9]+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${head}`);
  if (bytes.length < headEnd + 4 + Number(length)) return undefined;
  return { status: Number(head.slice(9, 12)), body: bytes.subarray(headEnd + 4) };
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
