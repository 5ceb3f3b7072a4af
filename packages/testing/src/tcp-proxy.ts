// A way between client and server that a test cuts, narrows, closes, or leads
// elsewhere.

import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export type TcpProxy = AsyncDisposable & {
  readonly url: string;
  /** Where connections lead from now on. */
  leadTo(port: number): void;
  /** Break every connection, without a goodbye. */
  cut(): void;
  /** Let pass so many bytes a second in each direction of each connection; undefined: all. */
  narrow(bytesPerSecond: number | undefined): void;
  /** Whether what the server says is lost on the way, while what the client says still arrives. */
  muteServer(muted: boolean): void;
};

const TICK_MS = 20;

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  let target = port;
  let bytesPerTick = Infinity;
  let isMuted = false;
  const ways = new Set<Socket>();

  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const socket of [near, far]) {
      ways.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        ways.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    pass(near, far, () => false);
    pass(far, near, () => isMuted);
  });

  function pass(from: Socket, to: Socket, isLost: () => boolean): void {
    from.on("data", (bytes: Buffer) => {
      if (isLost()) return;
      if (bytesPerTick === Infinity) {
        to.write(bytes);
        return;
      }
      from.pause();
      trickle(from, to, bytes);
    });
    from.on("end", () => to.end());
  }

  function trickle(from: Socket, to: Socket, bytes: Buffer): void {
    if (to.destroyed) return;
    const now = Math.min(bytes.length, bytesPerTick);
    to.write(bytes.subarray(0, now));
    const rest = bytes.subarray(now);
    if (rest.length === 0) from.resume();
    else setTimeout(trickle, TICK_MS, from, to, rest);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${own}`,
    leadTo: (next) => void (target = next),
    cut() {
      for (const socket of ways) socket.resetAndDestroy();
    },
    narrow(bytesPerSecond) {
      bytesPerTick =
        bytesPerSecond === undefined ? Infinity : Math.max(1, Math.floor((bytesPerSecond * TICK_MS) / 1000));
    },
    muteServer: (muted) => void (isMuted = muted),
    async [Symbol.asyncDispose]() {
      for (const socket of ways) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
