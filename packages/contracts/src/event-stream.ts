// Events of a read as they come, for plain HTTP clients (WHATWG HTML, server-sent
// events). A presentation of what the read answers by page, and nothing more: a
// client that was cut off says the last id that it has, and goes on behind it.

import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Call } from "./call.ts";

export type LiveEvent = {
  readonly id: string;
  /** The event's type; a word without line breaks. */
  readonly event: string;
  /** One line of JSON. */
  readonly data: string;
};

/**
 * Follow from behind `lastEventId`, or from where the request says. `undefined`
 * comes now and then while there is nothing, so that the connection is seen to
 * live. Undefined in place of it all: nothing will come any more.
 */
export type LiveHandler<Input> = (
  input: Input,
  call: Call,
  lastEventId: string | undefined,
) => Promise<AsyncIterable<LiveEvent | undefined> | undefined>;

export const EVENT_STREAM = "text/event-stream";

/** Whether the caller asks for events as they come. JSON stays the default. */
export function asksForEventStream(request: FastifyRequest): boolean {
  const accept = request.headers.accept ?? "";
  return accept.split(",").some((type) => type.split(";", 1)[0]?.trim().toLowerCase() === EVENT_STREAM);
}

/** 204 tells a browser's EventSource to stop asking. */
export function sendEventStream(
  reply: FastifyReply,
  events: AsyncIterable<LiveEvent | undefined> | undefined,
): FastifyReply {
  if (events === undefined) return reply.code(204).send();
  return reply
    .code(200)
    .headers({ "content-type": EVENT_STREAM, "cache-control": "no-store", "x-accel-buffering": "no" })
    .send(Readable.from(render(events), { objectMode: false }));
}

async function* render(events: AsyncIterable<LiveEvent | undefined>): AsyncGenerator<string> {
  // The headers leave with the first bytes, and a client waits for them.
  yield ": following\n\n";
  for await (const event of events) {
    yield event === undefined ? ":\n\n" : `id: ${event.id}\nevent: ${event.event}\ndata: ${event.data}\n\n`;
  }
}
