// The Lightning network for trying things by hand:
// `node start-lightning-network.ts PROGRAMS [STATE-FILE]`. Says how to reach the
// nodes, on standard output and in the file once all is up, and ends with a signal.

import { renameSync, writeFileSync } from "node:fs";
import { startLightningNetwork } from "./lightning/index.ts";

const [programs, stateFile] = process.argv.slice(2);
if (programs === undefined) {
  process.stderr.write("usage: start-lightning-network.ts PROGRAMS [STATE-FILE]\n");
  process.exit(2);
}
const ended = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
});

const network = await startLightningNetwork(programs);
const state = {
  pid: process.pid,
  network: "simnet",
  folder: network.folder,
  nodes: Object.values(network.nodes).map(({ name, restPort, peerAddress, certFile, macaroonFile }) => ({
    name,
    url: `https://127.0.0.1:${restPort}`,
    peerAddress,
    certFile,
    macaroonFile,
  })),
};
const text = `${JSON.stringify(state, undefined, 2)}\n`;
process.stdout.write(text);
if (stateFile !== undefined) {
  // Whole or not at all: who waits for the file reads it at once.
  writeFileSync(`${stateFile}.part`, text, { mode: 0o600 });
  renameSync(`${stateFile}.part`, stateFile);
}
await ended;
await network[Symbol.asyncDispose]();
process.exit(0);
