// A door before the runtime, in which a test can stand: what went through it,
// and a hook that runs after the runtime has answered and before the caller knows.

import { request, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Passing = { readonly method: string; readonly path: string; readonly body: string };

export type Door = AsyncDisposable & {
  /** Told of each answered command; what it answers true for never reaches the caller. */
  onAnswered: (passing: Passing) => boolean;
};

/** Put a door before the running stack of a home: until it is disposed of, commands go through it. */
export async function putDoor(folder: string): Promise<Door> {
  const file = join(folder, "stack.json");
  const record = JSON.parse(readFileSync(file, "utf8"));
  const target = new URL(record.runtime_url);
  const server = createServer((incoming, answer) => void pass(target, door, incoming, answer));
  const door: Door = {
    onAnswered: () => false,
    async [Symbol.asyncDispose]() {
      writeFileSync(file, JSON.stringify(record));
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the door has no port");
  writeFileSync(file, JSON.stringify({ ...record, runtime_url: `http://127.0.0.1:${address.port}` }));
  return door;
}

async function pass(
  target: URL,
  door: Door,
  incoming: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "GET", url = "/", headers } = incoming;
    const forwarded = request({
      host: target.hostname,
      port: target.port,
      method,
      path: url,
      headers,
      agent: false,
    });
    forwarded.end(body);
    const [reply]: IncomingMessage[] = await once(forwarded, "response");
    if (reply === undefined) return;
    const replied: Buffer[] = [];
    for await (const chunk of reply) replied.push(chunk);
    if (door.onAnswered({ method, path: url, body: body.toString("utf8") })) return void answer.destroy();
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    answer.end(Buffer.concat(replied));
  } catch {
    answer.destroy();
  }
}
