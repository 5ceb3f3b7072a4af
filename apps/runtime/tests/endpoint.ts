// A provider's address on loopback that does with pushes what a test tells it to.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export type Push = {
  readonly path: string;
  readonly key: string;
  readonly signature: string;
  readonly body: string;
};

export type Endpoint = {
  readonly url: string;
  readonly port: number;
  readonly pushes: readonly Push[];
  /** Resolves when so many have arrived in all. */
  arrived(count: number): Promise<void>;
};

/** How it answers; the connection is cut in place of an answer where it says so. */
export type Answering = (response: ServerResponse) => void;

export const accepts: Answering = (response) => void response.writeHead(202).end();
export const answers =
  (status: number, headers = {}): Answering =>
  (response) =>
    void response.writeHead(status, headers).end();
export const cutsOff: Answering = (response) => void response.socket?.destroy();

export async function startEndpoint(
  t: TestContext,
  answering: Answering = accepts,
  port = 0,
): Promise<Endpoint> {
  const pushes: Push[] = [];
  const waiting = new Set<() => void>();
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const header = (name: string) => String(request.headers[name] ?? "");
    const body = await text(request);
    pushes.push({
      path: request.url ?? "",
      key: header("x-idempotency-key"),
      signature: header("x-openagents-signature"),
      body,
    });
    answering(response);
    for (const look of waiting) look();
  };
  const server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    pushes,
    arrived: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (pushes.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
