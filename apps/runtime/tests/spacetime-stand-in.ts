// A stand-in for a SpacetimeDB server: the one reducer that the mirror calls, in
// memory, with the rules of the module `autopilot-sync`.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export type Appended = { readonly seq: number; readonly payloadHash: string; readonly payload: string };

export type SpacetimeStandIn = {
  readonly url: string;
  readonly streams: Map<string, Appended[]>;
  /** What the next calls answer in place of what the reducer would; undefined: nothing. */
  refuse: ((streamId: string) => { readonly status: number; readonly body: string } | undefined) | undefined;
  /** Whether the next answer is cut off after the event was taken. */
  loseAnswer: boolean;
  calls: number;
};

export async function startSpacetimeStandIn(t: TestContext): Promise<SpacetimeStandIn> {
  const keys = new Map<string, number>();
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as [
      string,
      string,
      string,
      string,
      number,
      number,
      boolean,
      number,
    ];
    const [streamId, key, payloadHash, payload, , , , expected] = body;
    standIn.calls += 1;
    const refusal = standIn.refuse?.(streamId);
    if (refusal !== undefined) {
      response.writeHead(refusal.status).end(refusal.body);
      return;
    }
    const events = standIn.streams.get(streamId) ?? [];
    standIn.streams.set(streamId, events);
    if (!keys.has(key)) {
      const next = events.length + 1;
      if (expected !== next) {
        const told = `sequence_conflict expected_next_seq=${expected} actual_next_seq=${next}`;
        response.writeHead(530).end(told);
        return;
      }
      keys.set(key, next);
      events.push({ seq: next, payloadHash, payload });
    }
    if (standIn.loseAnswer) {
      standIn.loseAnswer = false;
      request.socket.destroy();
      return;
    }
    response.writeHead(200).end();
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const standIn: SpacetimeStandIn = {
    url: `http://127.0.0.1:${port}`,
    streams: new Map(),
    refuse: undefined,
    loseAnswer: false,
    calls: 0,
  };
  return standIn;
}
