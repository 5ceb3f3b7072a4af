// A server's frames, in the order in which they came. Decompression is slow and
// not in order by itself, so a frame waits for those before it.

import {
  COMPRESSION,
  concatBytes,
  decodeServerMessages,
  type Protocol,
  type ServerMessage,
} from "../protocol/index.ts";

/** More than this out of one compressed frame is an attack, not news. */
const FRAME_LENGTH_MAX = 64 * 1024 * 1024;

/** `heard` gets each frame's messages; `broken` whatever could not be read. Answers what takes frames. */
export function frameReader(
  protocol: () => Protocol,
  heard: (messages: readonly ServerMessage[]) => void,
  broken: (error: unknown) => void,
): (frame: Uint8Array<ArrayBuffer>) => void {
  let waiting = 0;
  let before: Promise<void> = Promise.resolve();

  function read(payload: Uint8Array): void {
    try {
      heard(decodeServerMessages(protocol(), payload));
    } catch (error) {
      broken(error);
    }
  }

  return (frame) => {
    const payload = frame.subarray(1);
    if (frame[0] === COMPRESSION.none && waiting === 0) {
      read(payload);
      return;
    }
    waiting += 1;
    before = before.then(async () => {
      try {
        read(await inflate(frame[0], payload));
      } catch (error) {
        broken(error);
      } finally {
        waiting -= 1;
      }
    });
  };
}

async function inflate(
  compression: number | undefined,
  payload: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  if (compression === COMPRESSION.none) return payload;
  if (compression !== COMPRESSION.gzip) throw new Error(`compression ${compression} was not asked for`);
  const reader = new Blob([payload]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > FRAME_LENGTH_MAX) throw new Error(`a frame holds more than ${FRAME_LENGTH_MAX} bytes`);
    parts.push(value);
  }
  return concatBytes(parts);
}
