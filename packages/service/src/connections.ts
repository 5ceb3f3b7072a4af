// Which connections carry a request right now. Node's own notion of an idle
// connection misses some that a client keeps open, and a drain would wait for
// the client to close them.

import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

export type Connections = {
  /** Close every connection that carries no request. */
  closeIdle(): void;
};

export function trackConnections(app: FastifyInstance): Connections {
  const open = new Set<Socket>();
  const busy = new Set<Socket>();
  app.server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      busy.delete(socket);
    });
  });
  app.addHook("onRequest", (request, _reply, done) => {
    busy.add(request.raw.socket);
    done();
  });
  app.addHook("onResponse", (request, _reply, done) => {
    busy.delete(request.raw.socket);
    done();
  });
  return {
    closeIdle() {
      for (const socket of open) if (!busy.has(socket)) socket.destroy();
    },
  };
}
