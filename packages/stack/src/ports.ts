// Which port each service takes (spec 1.2).

import { createServer } from "node:net";
import { StackError } from "./stack-error.ts";

export type ServiceName = "runtime" | "sync" | "control";

/** In the order in which a port base is counted up. */
const SERVICES: readonly { readonly name: ServiceName; readonly defaultPort: number }[] = [
  { name: "runtime", defaultPort: 4100 },
  { name: "sync", defaultPort: 3000 },
  { name: "control", defaultPort: 8787 },
];

/** Undefined: the default ports. 0: any free port each. N: N, N+1, … */
export function planPorts(portBase: number | undefined): Record<ServiceName, number> {
  if (portBase !== undefined && !isPortBase(portBase)) {
    throw new StackError(
      "port_base_out_of_range",
      `--port-base ${portBase} is not a port`,
      `choose 0 for any free port, or a number from 1024 to ${65_535 - SERVICES.length + 1}`,
    );
  }
  const ports: Record<ServiceName, number> = { runtime: 0, sync: 0, control: 0 };
  for (const [index, service] of SERVICES.entries()) {
    ports[service.name] =
      portBase === undefined ? service.defaultPort : portBase === 0 ? 0 : portBase + index;
  }
  return ports;
}

/** Fail before the database starts rather than after. A port can still be taken in between. */
export async function assertPortsFree(ports: Readonly<Record<ServiceName, number>>): Promise<void> {
  for (const [name, port] of Object.entries(ports)) {
    if (port !== 0 && !(await isPortFree(port))) throw portInUse(name, port);
  }
}

/** Ports for services whose addresses others must know before they listen: free now, for each 0. */
export async function choosePorts(
  ports: Readonly<Record<ServiceName, number>>,
): Promise<Record<ServiceName, number>> {
  const at = async (service: ServiceName) => (ports[service] === 0 ? await freePort() : ports[service]);
  return { runtime: await at("runtime"), sync: await at("sync"), control: await at("control") };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

export function portInUse(service: string, port: number, cause?: unknown): StackError {
  return new StackError(
    "port_in_use",
    `port ${port}, wanted for the ${service}, is in use`,
    "choose others with --port-base N, or any free ones with --port-base 0",
    cause,
  );
}

function isPortBase(value: number): boolean {
  return (
    value === 0 || (Number.isSafeInteger(value) && value >= 1024 && value + SERVICES.length - 1 <= 65_535)
  );
}
