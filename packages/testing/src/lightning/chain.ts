// A private chain: btcd, with blocks made on demand. It is a simnet and no
// regtest, because btcd empties a regtest at each start.

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { addressOf } from "@openagents/lightning";
import { startDaemon, type Daemon } from "./daemon.ts";

export type Chain = {
  readonly rpcPort: number;
  readonly user: string;
  readonly password: string;
  readonly certFile: string;
  /** Make blocks; their coins go to the address that `payTo` named last. */
  mine(blocks: number): Promise<void>;
  height(): Promise<number>;
  /** Restarts btcd, which takes its miner's address only then. */
  payTo(address: string): Promise<void>;
  kill(): Promise<void>;
};

/** Nobody's: the hash of no key that anybody knows. */
const NOBODY = addressOf("simnet", { version: 0, program: "00".repeat(20) });

export async function startChain(program: string, folder: string, rpcPort: number): Promise<Chain> {
  mkdirSync(folder, { mode: 0o700 });
  const [user, password] = [randomBytes(8).toString("hex"), randomBytes(16).toString("hex")];
  const certFile = join(folder, "rpc.cert");
  const configFile = join(folder, "btcd.conf");
  const config = [
    "[Application Options]",
    "simnet=1",
    `datadir=${folder}/data`,
    `logdir=${folder}/logs`,
    `rpclisten=127.0.0.1:${rpcPort}`,
    `rpcuser=${user}`,
    `rpcpass=${password}`,
    `rpccert=${certFile}`,
    `rpckey=${folder}/rpc.key`,
    "nolisten=1",
    "nodnsseed=1",
    "txindex=1",
  ];
  let daemon: Daemon;

  async function rpc(method: string, params: readonly unknown[]): Promise<unknown> {
    return await callRpc({ port: rpcPort, user, password, certFile }, method, params);
  }
  async function start(address: string): Promise<void> {
    writeFileSync(configFile, [...config, `miningaddr=${address}`, ""].join("\n"), { mode: 0o600 });
    daemon = startDaemon("btcd", program, [`--configfile=${configFile}`], join(folder, "btcd.log"));
    await daemon.waitUntil("its RPC", () => rpc("getblockcount", []));
  }

  await start(NOBODY);
  return {
    rpcPort,
    user,
    password,
    certFile,
    mine: async (blocks) => void (await rpc("generate", [blocks])),
    height: async () => Number(await rpc("getblockcount", [])),
    async payTo(address) {
      await daemon.stop();
      await start(address);
    },
    kill: () => daemon.kill(),
  };
}

type RpcAccess = { port: number; user: string; password: string; certFile: string };

function callRpc(access: RpcAccess, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "1.0", id: 1, method, params });
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: access.port,
        method: "POST",
        auth: `${access.user}:${access.password}`,
        ca: readFileSync(access.certFile),
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          try {
            const { result, error } = JSON.parse(text) as {
              result: unknown;
              error: { message: string } | null;
            };
            if (error === null) resolve(result);
            else reject(new Error(`btcd ${method}: ${error.message}`));
          } catch (cause) {
            reject(new Error(`btcd ${method}: ${response.statusCode} ${text}`, { cause }));
          }
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
