// How messages lie in WebSocket frames. A client's frame is messages alone, a
// server's has a byte before them that names their compression. Version 2 has one
// message in a frame, version 3 one or more, back to back.

import { BsatnError, Reader, Writer } from "../bsatn/index.ts";
import { clientMessage, serverMessage, type ClientMessage, type ServerMessage } from "./messages.ts";

/** By preference. */
export const PROTOCOLS = ["v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb"] as const;

export type Protocol = (typeof PROTOCOLS)[number];

/** The first byte of a server's frame. */
export const COMPRESSION = { none: 0, brotli: 1, gzip: 2 } as const;

export type Compression = keyof typeof COMPRESSION;

/** Messages of one frame; as many as the protocol takes at once. */
export function encodeClientFrames(
  protocol: Protocol,
  messages: readonly ClientMessage[],
): Uint8Array<ArrayBuffer>[] {
  const writer = new Writer();
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (const message of messages) {
    clientMessage.write(writer, message);
    if (protocol === "v2.bsatn.spacetimedb") frames.push(writer.finish());
  }
  if (writer.length > 0) frames.push(writer.finish());
  return frames;
}

/** Throws `BsatnError` for a frame that is not exactly messages of the protocol. */
export function decodeClientFrame(protocol: Protocol, frame: Uint8Array): ClientMessage[] {
  return readMessages(protocol, frame, (reader) => clientMessage.read(reader));
}

/** Messages of a server's frame, behind its first byte and decompressed. */
export function decodeServerMessages(protocol: Protocol, payload: Uint8Array): ServerMessage[] {
  return readMessages(protocol, payload, (reader) => serverMessage.read(reader));
}

function readMessages<T>(protocol: Protocol, payload: Uint8Array, read: (reader: Reader) => T): T[] {
  const reader = new Reader(payload);
  const messages = [read(reader)];
  while (reader.remaining > 0) {
    if (protocol === "v2.bsatn.spacetimedb") throw new BsatnError("a frame holds more than one message");
    messages.push(read(reader));
  }
  return messages;
}
