// The WebSocket as a session uses it. The global one, in browsers and in Node,
// is one; tests give their own.

export type Socket = {
  binaryType: string;
  readonly protocol: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
};

export type OpenSocket = (url: string, protocols: readonly string[]) => Socket;

export const globalSocket: OpenSocket = (url, protocols) => {
  // Its handlers take whole events, of which a session reads these fields.
  return new WebSocket(url, [...protocols]) as unknown as Socket;
};
