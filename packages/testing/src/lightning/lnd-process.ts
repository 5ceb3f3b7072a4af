// One lnd on the private chain, with a wallet of its own in its folder.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LndRest, openLnd, type LndConfig, type LndNode } from "@openagents/lightning";
import type { Chain } from "./chain.ts";
import { startDaemon, type Daemon } from "./daemon.ts";

export type LndProcess = {
  readonly name: string;
  /** `host:port` for peers. */
  readonly peerAddress: string;
  readonly restPort: number;
  readonly certFile: string;
  readonly macaroonFile: string;
  /** Everything that `openLnd` needs, with all rights. */
  config(): LndConfig;
  /** The port over this node. */
  node(): LndNode;
  /** Any route of lnd's REST interface. */
  rest(): LndRest;
  start(): Promise<void>;
  /** As a crash would. */
  kill(): Promise<void>;
  /** In order, as an operator would; takes some seconds. */
  stop(): Promise<void>;
};

/** For peers, for gRPC, and for REST. */
export const PORTS_OF_A_NODE = 3;

export function prepareLnd(
  name: string,
  program: string,
  folder: string,
  chain: Chain,
  ports: readonly number[],
): LndProcess {
  const [peerPort = 0, rpcPort = 0, restPort = 0] = ports;
  mkdirSync(folder, { mode: 0o700 });
  const macaroonFile = join(folder, "data/chain/bitcoin/simnet/admin.macaroon");
  const certFile = join(folder, "tls.cert");
  writeFileSync(join(folder, "lnd.conf"), configText(name, { peerPort, rpcPort, restPort }, chain), {
    mode: 0o600,
  });
  let daemon: Daemon | undefined;
  let open: { readonly node: LndNode; readonly rest: LndRest } | undefined;

  const config = (): LndConfig => ({
    url: `https://127.0.0.1:${restPort}`,
    tlsCert: readFileSync(certFile, "utf8"),
    macaroon: readFileSync(macaroonFile),
    network: "simnet",
  });
  function opened() {
    open ??= {
      node: openLnd(config()),
      rest: new LndRest({ ...config(), requestLifeMs: 60_000, nowMs: Date.now }),
    };
    return open;
  }
  function close() {
    open?.node[Symbol.dispose]();
    open?.rest[Symbol.dispose]();
    open = undefined;
  }

  return {
    name,
    peerAddress: `127.0.0.1:${peerPort}`,
    restPort,
    certFile,
    macaroonFile,
    config,
    node: () => opened().node,
    rest: () => opened().rest,
    async start() {
      daemon = startDaemon(`lnd ${name}`, program, [`--lnddir=${folder}`], join(folder, "lnd.log"));
      await daemon.waitUntil("its REST interface", () => opened().node.info());
    },
    async kill() {
      close();
      await daemon?.kill();
    },
    async stop() {
      close();
      await daemon?.stop();
    },
  };
}

function configText(
  name: string,
  ports: { readonly peerPort: number; readonly rpcPort: number; readonly restPort: number },
  chain: Chain,
): string {
  return [
    "[Application Options]",
    `alias=${name}`,
    `listen=127.0.0.1:${ports.peerPort}`,
    `rpclisten=127.0.0.1:${ports.rpcPort}`,
    `restlisten=127.0.0.1:${ports.restPort}`,
    // A wallet made at the first start and opened without a password: for a chain whose coins are worth nothing.
    "noseedbackup=1",
    "nobootstrap=1",
    "tlsdisableautofill=1",
    "trickledelay=50",
    "debuglevel=info",
    "[Bitcoin]",
    "bitcoin.simnet=1",
    "bitcoin.node=btcd",
    "bitcoin.defaultchanconfs=1",
    "[Btcd]",
    `btcd.rpchost=127.0.0.1:${chain.rpcPort}`,
    `btcd.rpcuser=${chain.user}`,
    `btcd.rpcpass=${chain.password}`,
    `btcd.rpccert=${chain.certFile}`,
    "",
  ].join("\n");
}
