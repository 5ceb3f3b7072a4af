// A door before the runtime, in which a test can stand: what goes through it, and
// hooks before the runtime has it and between its answer and the caller.

import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";

export type Passing = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly key: string;
  readonly body: string;
  /** Of a passing that the runtime has answered. */
  readonly reply?: string;
};

export type Door = AsyncDisposable & {
  /** Told of each call before the runtime is; what it answers true for never reaches the runtime. */
  onAsked: (passing: Passing) => boolean;
  /** Told of each answer that decides something; what it answers true for never reaches the caller. */
  onAnswered: (passing: Passing) => boolean;
  /** The address stays the same; for when the stack was started again. */
  putAgain(): void;
};

/** Put a door before the running stack of a home: until it is disposed of, calls go through it. */
export async function putDoor(folder: string): Promise<Door> {
  const file = join(folder, "stack.json");
  let target = new URL("http://127.0.0.1");
  const server = createServer((incoming, answer) => void pass(target, door, incoming, answer));
  // A door closes no connection by itself: what a test sees then is the runtime's doing.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the door has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const door: Door = {
    onAsked: () => false,
    onAnswered: () => false,
    putAgain() {
      const record = JSON.parse(readFileSync(file, "utf8"));
      target = new URL(record.runtime_url);
      writeFileSync(file, JSON.stringify({ ...record, runtime_url: url }));
    },
    async [Symbol.asyncDispose]() {
      const record = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify({ ...record, runtime_url: target.origin }));
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  door.putAgain();
  return door;
}

async function pass(
  target: URL,
  door: Door,
  incoming: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  try {
    const { method = "GET", url: path = "/", headers } = incoming;
    const body = await bytesOf(incoming);
    const key = String(headers["idempotency-key"] ?? "");
    const passing = { method, path, key, body: body.toString("utf8") };
    if (door.onAsked(passing)) return void answer.destroy();
    const { hostname: host, port } = target;
    const forwarded = request({ host, port, method, path, headers, agent: false });
    // A caller that is gone is gone for the runtime too, or it would hand a job to nobody.
    answer.on("close", () => forwarded.destroy());
    forwarded.end(body);
    const [reply]: IncomingMessage[] = await once(forwarded, "response");
    if (reply === undefined) return;
    const replied = await bytesOf(reply);
    const isDecided = (reply.statusCode ?? 500) < 500;
    if (isDecided && door.onAnswered({ ...passing, reply: replied.toString("utf8") }))
      return void answer.destroy();
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    answer.end(replied);
  } catch {
    answer.destroy();
  }
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
