// A request's bytes as a stream with an end in sight.

import type { IncomingMessage } from "node:http";
import { Transform, type Readable } from "node:stream";
import { ProblemError } from "./problem.ts";

/**
 * The bytes of a request, up to a limit. Throws 413 at once when the request
 * announces more; otherwise the stream fails with that error when more arrives,
 * and with another when the caller goes away, so that a reader never waits for ever.
 */
export function boundedStream(request: IncomingMessage, bytesMax: number): Readable {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw bodyTooLarge(bytesMax);
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(bodyTooLarge(bytesMax));
      else done(null, chunk);
    },
  });
  // `pipe` and not `pipeline`: a refused body must leave the socket open for the answer.
  request.pipe(bounded);
  const end = () => {
    if (!request.complete) bounded.destroy(new Error("the caller went away before its body ended"));
  };
  // A caller may have gone while its token was looked at, and closes once only.
  if (request.closed || request.destroyed) end();
  else request.once("close", end);
  // A handler that does not read must not turn the stream's failure into a crash.
  bounded.on("error", () => {});
  return bounded;
}

/** 413 that names the limit. */
export function bodyTooLarge(bytesMax: number): ProblemError {
  return new ProblemError({
    status: 413,
    code: "body_too_large",
    detail: `The body is larger than ${bytesMax} bytes, the most that this route takes.`,
  });
}
