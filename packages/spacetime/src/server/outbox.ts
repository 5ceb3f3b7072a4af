// What goes out to one client. Keeps no more than a socket's worth waiting: who
// sends looks at `isFull` first, and hears when there is room again.

import { promisify } from "node:util";
import { brotliCompress, brotliCompressSync, constants, gzip, gzipSync } from "node:zlib";
import type { WebSocket } from "ws";
import { COMPRESSION, type Compression } from "../protocol/index.ts";

/** Below this, compression costs more than it saves. */
const COMPRESSED_BYTES_MIN = 1024;

/** Above this, it is done aside, so that it delays nobody else. */
const COMPRESSED_AT_ONCE_BYTES_MAX = 64 * 1024;

/** What must go out of a full socket while it may be slow, else nobody reads. */
const PROGRESS_BYTES = 64 * 1024;

const GZIP = { level: 1 };
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const gzipAside = promisify(gzip);
const brotliAside = promisify(brotliCompress);

/** A message as a frame, for one that may be shared. */
export function frameOf(message: Uint8Array, compression: Compression): Uint8Array {
  if (compression === "none" || message.length < COMPRESSED_BYTES_MIN) return tagged("none", message);
  const packed = compression === "gzip" ? gzipSync(message, GZIP) : brotliCompressSync(message, BROTLI);
  return tagged(compression, packed);
}

async function largeFrameOf(message: Uint8Array, compression: Compression): Promise<Uint8Array> {
  if (compression === "none" || message.length < COMPRESSED_AT_ONCE_BYTES_MAX)
    return frameOf(message, compression);
  const packed = await (compression === "gzip" ? gzipAside(message, GZIP) : brotliAside(message, BROTLI));
  return tagged(compression, packed);
}

function tagged(compression: Compression, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(payload.length + 1);
  frame[0] = COMPRESSION[compression];
  frame.set(payload, 1);
  return frame;
}

export class Outbox {
  readonly compression: Compression;
  private readonly socket: WebSocket;
  private readonly waitingMax: number;
  private readonly onRoom: () => void;
  private readonly sent = (): void => this.checkRoom();
  private bytesSent = 0;
  private full: { sinceMs: number; bytesOut: number } | undefined;
  private waiters: (() => void)[] = [];
  private readonly nowMs: () => number;

  constructor(options: {
    readonly socket: WebSocket;
    readonly compression: Compression;
    readonly waitingMax: number;
    readonly nowMs: () => number;
    readonly onRoom: () => void;
  }) {
    this.socket = options.socket;
    this.compression = options.compression;
    this.waitingMax = options.waitingMax;
    this.nowMs = options.nowMs;
    this.onRoom = options.onRoom;
  }

  get isFull(): boolean {
    return this.full !== undefined;
  }

  /** Bytes that the client has not taken yet. */
  get waitingBytes(): number {
    return this.socket.bufferedAmount;
  }

  send(frame: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.bytesSent += frame.length;
    const waiting = this.socket.bufferedAmount + frame.length;
    if (this.full === undefined && waiting <= this.waitingMax) {
      this.socket.send(frame, SEND);
      return;
    }
    this.full ??= { sinceMs: this.nowMs(), bytesOut: this.bytesSent - waiting };
    this.socket.send(frame, SEND, this.sent);
  }

  async sendLarge(message: Uint8Array): Promise<void> {
    this.send(await largeFrameOf(message, this.compression));
  }

  /** Resolves when there is room, or nobody is left to send to. */
  async room(): Promise<void> {
    if (this.full === undefined || this.socket.readyState !== this.socket.OPEN) return;
    await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  /** Whether a full socket has let out next to nothing for `limitMs`. */
  isStalled(limitMs: number): boolean {
    if (this.full === undefined || this.nowMs() - this.full.sinceMs < limitMs) return false;
    const bytesOut = this.bytesSent - this.socket.bufferedAmount;
    if (bytesOut - this.full.bytesOut < PROGRESS_BYTES) return true;
    this.full = { sinceMs: this.nowMs(), bytesOut };
    return false;
  }

  /** Let nobody wait for a socket that has closed. */
  close(): void {
    this.full = undefined;
    this.release();
  }

  private checkRoom(): void {
    if (this.full === undefined || this.socket.bufferedAmount > this.waitingMax / 2) return;
    this.full = undefined;
    this.release();
    this.onRoom();
  }

  private release(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const resolve of waiters) resolve();
  }
}

const SEND = { binary: true, compress: false };
