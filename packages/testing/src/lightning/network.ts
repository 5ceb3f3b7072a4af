// A Lightning network of real nodes on a private chain: alice — bob — carol,
// one channel between neighbours, half of it on each side. Everything listens
// on loopback, on ports that were free, and lives in one temporary folder.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChain, type Chain } from "./chain.ts";
import { freePorts } from "./daemon.ts";
import { PORTS_OF_A_NODE, prepareLnd, type LndProcess } from "./lnd-process.ts";

const NODE_NAMES = ["alice", "bob", "carol"] as const;
export type NodeName = (typeof NODE_NAMES)[number];

export type LightningNetwork = AsyncDisposable & {
  readonly chain: Chain;
  readonly nodes: Readonly<Record<NodeName, LndProcess>>;
  readonly folder: string;
};

export const CHANNEL_SATS = 10_000_000;

// btcd activates segwit by miners' votes over windows of 100 blocks: begun, locked in, active.
// That is also far beyond the 100 blocks after which a miner may spend.
const BLOCKS_UNTIL_SEGWIT = 3 * 100 + 10;
const FUNDS_SATS = 100_000_000;

/** Takes about 20 s on two cores. `programs` is the folder with `btcd` and `lnd`, which scripts/lightning-regtest.sh builds. */
export async function startLightningNetwork(programs: string): Promise<LightningNetwork> {
  const folder = mkdtempSync(join(tmpdir(), "oa-lightning-"));
  const kills: (() => Promise<void>)[] = [];
  // Nothing of it is kept, so nothing needs to end in order.
  const stopAll = async () => {
    await Promise.all(kills.splice(0).map((kill) => kill()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // All at once, so that no two of them are the same.
    const ports = await freePorts(1 + NODE_NAMES.length * PORTS_OF_A_NODE);
    const chain = await startChain(join(programs, "btcd"), join(folder, "btcd"), ports.shift() ?? 0);
    kills.push(() => chain.kill());
    // A node answers only once its chain has a block of today.
    await chain.mine(1);

    const start = async (name: NodeName) => {
      const lnd = prepareLnd(
        name,
        join(programs, "lnd"),
        join(folder, name),
        chain,
        ports.splice(0, PORTS_OF_A_NODE),
      );
      kills.push(() => lnd.kill());
      await lnd.start();
      return lnd;
    };
    const [alice, bob, carol] = await Promise.all([start("alice"), start("bob"), start("carol")]);
    const network: LightningNetwork = {
      chain,
      nodes: { alice, bob, carol },
      folder,
      [Symbol.asyncDispose]: stopAll,
    };
    await fund(network);
    await openChannel(network, alice, bob);
    await openChannel(network, bob, carol);
    await waitForRoutes(network);
    return network;
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function fund({ chain, nodes }: LightningNetwork): Promise<void> {
  const { alice, bob } = nodes;
  const coinsOf = async (lnd: LndProcess) => (await lnd.node().balance()).onchainConfirmedSats;
  await chain.payTo(await alice.node().newAddress());
  await chain.mine(BLOCKS_UNTIL_SEGWIT);
  // lnd reads all of them anew because btcd was restarted, but believes its coins to be
  // mature only at the first block that it hears of afterwards.
  await untilSynced(chain, alice);
  await chain.mine(1);
  await untilSynced(chain, alice);
  await until("alice has coins", async () => (await coinsOf(alice)) > FUNDS_SATS);
  await alice.rest().call("POST", "/v1/transactions", {
    addr: await bob.node().newAddress(),
    amount: String(FUNDS_SATS),
    sat_per_vbyte: "2",
  });
  await mineUntil(chain, "bob has coins", async () => (await coinsOf(bob)) > 0n);
}

/** With half of it pushed to the other side, so that both can pay. */
async function openChannel({ chain }: LightningNetwork, from: LndProcess, to: LndProcess): Promise<void> {
  const { nodeId } = await to.node().info();
  await from.rest().call("POST", "/v1/peers", { addr: { pubkey: nodeId, host: to.peerAddress } });
  // Both see the whole chain, or the opening is refused.
  await untilSynced(chain, from, to);
  await from.rest().call("POST", "/v1/channels", {
    node_pubkey: Buffer.from(nodeId, "hex").toString("base64"),
    local_funding_amount: String(CHANNEL_SATS),
    push_sat: String(CHANNEL_SATS / 2),
    sat_per_vbyte: "2",
    spend_unconfirmed: true,
  });
  await mineUntil(chain, "the channel is open", async () =>
    (await from.node().listChannels()).some((channel) => channel.peer === nodeId && channel.isActive),
  );
}

/** Each node knows both channels, in both directions. */
async function waitForRoutes({ chain, nodes }: LightningNetwork): Promise<void> {
  // Six confirmations, then a channel is announced.
  await chain.mine(6);
  for (const lnd of Object.values(nodes)) {
    await until(`${lnd.name} knows the way`, async () => {
      const graph = (await lnd.rest().call("GET", "/v1/graph")) as {
        edges?: { node1_policy: object | null; node2_policy: object | null }[];
      };
      const whole = graph.edges?.filter((edge) => edge.node1_policy !== null && edge.node2_policy !== null);
      return whole?.length === NODE_NAMES.length - 1;
    });
  }
}

async function untilSynced(chain: Chain, ...lnds: readonly LndProcess[]): Promise<void> {
  const height = await chain.height();
  await until("nodes are synced", async () => {
    const infos = await Promise.all(lnds.map((lnd) => lnd.node().info()));
    return infos.every((info) => info.syncedToChain && info.blockHeight === height);
  });
}

const POLL_MS = 100;
const WAIT_MS = 120_000;

export async function until(what: string, holds: () => Promise<boolean>, withinMs = WAIT_MS): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A transaction may reach the miner a moment after it was sent, so blocks are made until it shows. */
async function mineUntil(chain: Chain, what: string, holds: () => Promise<boolean>): Promise<void> {
  let round = 0;
  await until(what, async () => {
    if (round++ % 5 === 0) await chain.mine(1);
    return await holds();
  });
}
