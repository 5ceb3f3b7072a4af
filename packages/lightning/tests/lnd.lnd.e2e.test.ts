// The port over lnd, on real nodes with channels. Run by `openagents test --lightning`,
// which names the folder of the programs.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, suite, test } from "node:test";
import {
  FEATURES_DEFAULT,
  LightningError,
  decodeInvoice,
  encodeInvoice,
  openLnd,
  type InvoiceRequest,
  type LndNode,
  type PaymentOutcome,
  type SettledInvoice,
} from "@openagents/lightning";
import { startLightningNetwork, startTcpProxy, until, type LightningNetwork } from "@openagents/testing";

const programs = process.env["OPENAGENTS_LIGHTNING_NODES"];
const skip = programs === undefined ? "no lnd and btcd; run ./openagents test --lightning" : false;

const sha256 = (hex: string) => createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex");
const invoiceFor = (
  amountMsats: bigint | undefined,
  differs: Partial<InvoiceRequest> = {},
): InvoiceRequest => ({
  amountMsats,
  description: { kind: "text", text: "one verified patch" },
  expirySeconds: 600,
  preimage: randomBytes(32).toString("hex"),
  ...differs,
});
const pay = (node: LndNode, bolt11: string, differs = {}) =>
  node.pay({ bolt11, maxFeeMsats: 10_000n, timeoutMs: 20_000, ...differs });

suite("lnd", { skip }, () => {
  let network: LightningNetwork;
  let alice: LndNode;
  let bob: LndNode;
  let carol: LndNode;
  before(
    async () => {
      network = await startLightningNetwork(programs ?? "");
      [alice, bob, carol] = [
        network.nodes.alice.node(),
        network.nodes.bob.node(),
        network.nodes.carol.node(),
      ];
    },
    { timeout: 240_000 },
  );
  after(() => network?.[Symbol.asyncDispose](), { timeout: 60_000 });

  test("a node says who it is, what it holds, and which channels it has", async () => {
    const { nodeId, alias, syncedToChain, version } = await bob.info();
    assert.match(nodeId, /^0[23][0-9a-f]{64}$/);
    assert.deepEqual({ alias, syncedToChain }, { alias: "bob", syncedToChain: true });
    assert.match(version, /^0\.20\./);
    const channels = await bob.listChannels();
    assert.deepEqual(
      channels.map(({ capacitySats, isActive }) => ({ capacitySats, isActive })),
      Array(2).fill({ capacitySats: 10_000_000n, isActive: true }),
    );
    const { localMsats, inboundMsats, onchainConfirmedSats } = await bob.balance();
    assert.equal(
      localMsats,
      channels.reduce((sum, channel) => sum + channel.localMsats, 0n),
    );
    assert.equal(
      inboundMsats,
      channels.reduce((sum, channel) => sum + channel.inboundMsats, 0n),
    );
    assert.ok(onchainConfirmedSats > 0n);
    assert.match(await bob.newAddress(), /^sb1p/);
  });

  test("an on-chain quote sends nothing, and committing it sends its one transaction, however often", async () => {
    const address = await carol.newAddress();
    const before = await bob.balance();
    const request = { address, amountSats: 1_000_000n, satsPerVbyte: 3, lockMs: 600_000 };
    const quote = await bob.quoteOnchain(request);
    assert.deepEqual([quote.address, quote.amountSats], [address, 1_000_000n]);
    assert.ok(quote.feeSats > 300n && quote.feeSats < 1_000n, String(quote.feeSats));
    assert.equal((await carol.balance()).onchainUnconfirmedSats, 0n);

    const sent = { status: "sent", txid: quote.txid };
    assert.deepEqual(await bob.commitOnchain(quote), sent);
    assert.deepEqual(await Promise.all([bob.commitOnchain(quote), bob.commitOnchain(quote)]), [sent, sent]);
    await until("carol sees it", async () => (await carol.balance()).onchainUnconfirmedSats === 1_000_000n);
    await network.chain.mine(1);
    await until("it is in a block", async () => (await carol.balance()).onchainConfirmedSats === 1_000_000n);
    assert.deepEqual(await bob.commitOnchain(quote), sent);
    const spent = before.onchainConfirmedSats - (await bob.balance()).onchainConfirmedSats;
    assert.equal(spent, 1_000_000n + quote.feeSats);
  });

  test("an on-chain payment whose reply is lost is unknown, and committing again finds it sent", async () => {
    await using proxy = await startTcpProxy(network.nodes.bob.restPort);
    using far = openLnd({ ...network.nodes.bob.config(), url: proxy.url.replace("http:", "https:") });
    const address = await carol.newAddress();
    const had = (await carol.balance()).onchainConfirmedSats;
    const request = { address, amountSats: 50_000n, satsPerVbyte: 3, lockMs: 600_000 };
    const quote = await far.quoteOnchain(request);
    proxy.muteServer(true);
    const committing = far.commitOnchain(quote);
    proxy.cut();
    assert.equal((await committing).status, "unknown");
    proxy.muteServer(false);
    assert.deepEqual(await far.commitOnchain(quote), { status: "sent", txid: quote.txid });
    await network.chain.mine(1);
    await until("it arrived", async () => (await carol.balance()).onchainConfirmedSats === had + 50_000n);
    await assert.rejects(far.quoteOnchain({ ...request, amountSats: 10n ** 12n }), LightningError);
    await assert.rejects(far.quoteOnchain({ ...request, amountSats: 0n }), LightningError);
  });

  test("asking again with the same preimage finds the same invoice, and never a different one", async () => {
    const request = invoiceFor(21_000n);
    const made = await carol.createInvoice(request);
    assert.equal(made.paymentHash, sha256(request.preimage));
    assert.equal(made.payee, (await carol.info()).nodeId);
    assert.deepEqual(await carol.createInvoice(request), made);
    for (const differs of [
      { amountMsats: 21_001n },
      { expirySeconds: 601 },
      { description: { kind: "text", text: "another patch" } as const },
    ])
      await rejectsWith(carol.createInvoice({ ...request, ...differs }), "invoice_exists");
    const state = await carol.lookupInvoice(made.paymentHash);
    assert.deepEqual(state, {
      paymentHash: made.paymentHash,
      text: made.text,
      status: "open",
      receivedMsats: 0n,
      settleIndex: 0n,
      settledAtMs: undefined,
    });
    assert.equal(await carol.lookupInvoice("00".repeat(32)), undefined);
    const hashed = { description: { kind: "hash", sha256: "ab".repeat(32) } as const };
    assert.deepEqual(
      (await carol.createInvoice(invoiceFor(undefined, hashed))).description,
      hashed.description,
    );
  });

  test("lnd reads our invoices as we read them", async () => {
    const terms = {
      network: "simnet" as const,
      amountMsats: 1_234_567n,
      createdAtSeconds: 1_790_000_000,
      paymentHash: "ab".repeat(32),
      paymentSecret: "cd".repeat(32),
      description: { kind: "text" as const, text: "ナンセンス 1杯" },
      expirySeconds: 86_400,
      minFinalCltv: 40,
      features: FEATURES_DEFAULT,
      metadata: undefined,
      fallbacks: [{ version: 0, program: "11".repeat(20) }],
      routeHints: [
        [
          {
            nodeId: (await bob.info()).nodeId,
            shortChannelId: 123n,
            feeBaseMsats: 1n,
            feePpm: 2,
            cltvDelta: 3,
          },
        ],
      ],
    };
    for (const namePayee of [false, true]) {
      const made = encodeInvoice(terms, randomBytes(32), { namePayee });
      const read = (await network.nodes.alice.rest().call("GET", `/v1/payreq/${made.text}`)) as Record<
        string,
        unknown
      >;
      assert.equal(read["destination"], made.payee);
      assert.equal(read["num_msat"], "1234567");
      assert.equal(read["payment_hash"], terms.paymentHash);
      assert.equal(read["description"], terms.description.text);
      assert.equal(read["expiry"], "86400");
      assert.equal(read["cltv_expiry"], "40");
      assert.equal(read["timestamp"], "1790000000");
      assert.match(String(read["fallback_addr"]), /^sb1q/);
    }
  });

  test("a payment over two channels moves exactly its amount and fee, and a repeat moves nothing", async () => {
    const invoice = await carol.createInvoice(invoiceFor(50_000n));
    const [before, beforeCarol] = await Promise.all([alice.balance(), carol.balance()]);
    assert.deepEqual(await alice.probeFee(invoice.text), { kind: "route", feeMsats: 1_000n });
    const paid = await pay(alice, invoice.text);
    assert.equal(paid.status, "succeeded");
    assert.ok(paid.status === "succeeded");
    assert.equal(sha256(paid.preimage), invoice.paymentHash);
    assert.deepEqual([paid.amountMsats, paid.feeMsats], [50_000n, 1_000n]);

    assert.deepEqual(await pay(alice, invoice.text), paid);
    assert.deepEqual(await alice.trackPayment(invoice.paymentHash), paid);
    const listed = (await alice.listPayments(0n, 100)).filter(
      (one) => one.paymentHash === invoice.paymentHash,
    );
    assert.deepEqual(
      listed.map((one) => one.state),
      [paid],
    );
    const state = await carol.lookupInvoice(invoice.paymentHash);
    assert.deepEqual([state?.status, state?.receivedMsats], ["settled", 50_000n]);
    await settled(before.localMsats - 51_000n, alice);
    await settled(beforeCarol.localMsats + 50_000n, carol);
  });

  test("many callers with one invoice pay once, and all of them hear it", async () => {
    const invoice = await carol.createInvoice(invoiceFor(7_000n));
    const before = await carol.balance();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => pay(alice, invoice.text)));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      Array(8).fill("succeeded"),
    );
    await settled(before.localMsats + 7_000n, carol);
  });

  test("an open amount is the payer's, and only there", async () => {
    const open = await carol.createInvoice(invoiceFor(undefined));
    const fixed = await carol.createInvoice(invoiceFor(3_000n));
    await rejectsWith(pay(alice, open.text), "amount_refused");
    await rejectsWith(pay(alice, open.text, { amountMsats: 0n }), "amount_refused");
    await rejectsWith(pay(alice, fixed.text, { amountMsats: 3_000n }), "amount_refused");
    const paid = await pay(alice, open.text, { amountMsats: 1_234n });
    assert.ok(paid.status === "succeeded" && paid.amountMsats === 1_234n);
  });

  test("what can no longer succeed is failed, with the reason", async () => {
    const tooDear = await carol.createInvoice(invoiceFor(9_000_000_000n));
    assert.equal(reasonOf(await pay(alice, tooDear.text)), "insufficient_balance");
    assert.deepEqual(await alice.probeFee(tooDear.text), { kind: "none", reason: "insufficient_balance" });

    const feeless = await carol.createInvoice(invoiceFor(5_000n));
    assert.equal(reasonOf(await pay(alice, feeless.text, { maxFeeMsats: 999n })), "no_route");
    assert.equal(
      (await pay(alice, feeless.text, { maxFeeMsats: 1_000n })).status,
      "succeeded",
      "after failing, again",
    );

    const own = await alice.createInvoice(invoiceFor(5_000n));
    assert.equal(reasonOf(await pay(alice, own.text)), "refused_by_node");

    const canceled = await carol.createInvoice(invoiceFor(5_000n));
    const hash = Buffer.from(canceled.paymentHash, "hex").toString("base64");
    await network.nodes.carol.rest().call("POST", "/v2/invoices/cancel", { payment_hash: hash });
    assert.equal(reasonOf(await pay(alice, canceled.text)), "refused_by_payee");
    assert.equal((await carol.lookupInvoice(canceled.paymentHash))?.status, "canceled");

    const { text: _, payee: __, ...terms } = await carol.createInvoice(invoiceFor(5_000n));
    const stranger = { ...terms, paymentHash: "ef".repeat(32) };
    assert.equal(reasonOf(await pay(alice, encodeInvoice(stranger, randomBytes(32)).text)), "no_route");
    const old = encodeInvoice(
      { ...stranger, paymentHash: "ee".repeat(32), createdAtSeconds: 1_700_000_000 },
      randomBytes(32),
    );
    assert.equal(reasonOf(await pay(alice, old.text)), "refused_by_node");
    assert.deepEqual(await alice.trackPayment(old.paymentHash), { status: "not_found" });
  });

  test("a lost reply leaves the payment unknown; tracking finds it, and a repeat pays nothing", async () => {
    await using proxy = await startTcpProxy(network.nodes.alice.restPort);
    using far = openLnd({ ...network.nodes.alice.config(), url: proxy.url.replace("http:", "https:") });
    await far.info();
    const invoice = await carol.createInvoice(invoiceFor(11_000n));
    const before = await carol.balance();
    proxy.muteServer(true);
    const paying = pay(far, invoice.text);
    await until(
      "carol has it",
      async () => (await carol.lookupInvoice(invoice.paymentHash))?.status === "settled",
    );
    proxy.cut();
    assert.equal((await paying).status, "unknown");

    proxy.muteServer(false);
    const found = await far.trackPayment(invoice.paymentHash);
    assert.equal(found.status, "succeeded");
    assert.deepEqual(await pay(far, invoice.text), found);
    await settled(before.localMsats + 11_000n, carol);
  });

  test("a request that was held up for longer than its life is refused, so it cannot pay late", async () => {
    const invoice = await carol.createInvoice(invoiceFor(5_000n));
    using late = openLnd({ ...network.nodes.alice.config(), nowMs: () => Date.now() - 61_000 });
    assert.equal((await pay(late, invoice.text)).status, "unknown");
    await rejectsWith(late.info(), "node_forbids");
    assert.deepEqual(await alice.trackPayment(invoice.paymentHash), { status: "not_found" });
    using short = openLnd({ ...network.nodes.alice.config(), nowMs: () => Date.now() - 59_000 });
    assert.equal((await pay(short, invoice.text)).status, "succeeded");
  });

  test("a payment that the payee holds is in flight over a kill of the payer's node, until it is known", async () => {
    const preimage = randomBytes(32).toString("hex");
    const rest = network.nodes.carol.rest();
    const held = (await rest.call("POST", "/v2/invoices/hodl", {
      hash: Buffer.from(sha256(preimage), "hex").toString("base64"),
      value_msat: "13000",
    })) as { payment_request: string };
    const invoice = decodeInvoice(held.payment_request, "simnet");
    const gaveUp = new AbortController();
    const paying = alice.pay(
      { bolt11: invoice.text, maxFeeMsats: 10_000n, timeoutMs: 60_000 },
      gaveUp.signal,
    );
    await until(
      "carol holds it",
      async () => (await carol.lookupInvoice(invoice.paymentHash))?.status === "accepted",
    );
    assert.deepEqual(await alice.trackPayment(invoice.paymentHash, { waitMs: 300 }), { status: "in_flight" });
    gaveUp.abort();
    assert.equal((await paying).status, "unknown");

    await network.nodes.alice.kill();
    await network.nodes.alice.start();
    alice = network.nodes.alice.node();
    assert.deepEqual(await alice.trackPayment(invoice.paymentHash), { status: "in_flight" });
    const ending = alice.trackPayment(invoice.paymentHash, { waitMs: 60_000 });
    await rest.call("POST", "/v2/invoices/settle", {
      preimage: Buffer.from(preimage, "hex").toString("base64"),
    });
    const ended = await ending;
    assert.ok(ended.status === "succeeded");
    assert.deepEqual([ended.preimage, ended.amountMsats, ended.feeMsats], [preimage, 13_000n, 1_000n]);
  });

  test("settled invoices are told once each, in order, from any index on", async () => {
    const stop = new AbortController();
    const told: SettledInvoice[] = [];
    const listening = (async () => {
      for await (const invoice of carol.subscribeInvoices(0n, stop.signal)) told.push(invoice);
    })();
    await until("the past is told", async () => told.length > 0);
    const past = told.length;
    const invoice = await carol.createInvoice(invoiceFor(2_000n));
    assert.equal((await pay(bob, invoice.text)).status, "succeeded");
    await until("the new one is told", async () => told.length > past);
    stop.abort();
    await listening;
    assert.deepEqual(
      told.map((one) => one.settleIndex),
      told.map((_, at) => BigInt(at + 1)),
    );
    assert.deepEqual([told.at(-1)?.paymentHash, told.at(-1)?.receivedMsats], [invoice.paymentHash, 2_000n]);

    for await (const first of carol.subscribeInvoices(1n, AbortSignal.timeout(20_000))) {
      assert.deepEqual(first, told[1]);
      break;
    }
    for await (const first of bob.subscribeInvoices(0n, AbortSignal.timeout(1_500))) assert.fail(first.text);
  });

  test("a node that is down makes every outcome unknown and every read an error", async () => {
    const invoice = await carol.createInvoice(invoiceFor(4_000n));
    const config = network.nodes.bob.config();
    await network.nodes.bob.kill();
    using down = openLnd(config);
    assert.equal((await pay(down, invoice.text)).status, "unknown");
    await rejectsWith(down.balance(), "node_unreachable");
    await rejectsWith(down.trackPayment(invoice.paymentHash), "node_unreachable");
  });

  /** A balance moves a moment after the payment: when the channel's update is signed by both. */
  async function settled(localMsats: bigint, node: LndNode): Promise<void> {
    await until(
      `a balance of ${localMsats}`,
      async () => (await node.balance()).localMsats === localMsats,
      10_000,
    );
  }
});

function reasonOf(outcome: PaymentOutcome): string {
  return outcome.status === "failed" ? outcome.reason : JSON.stringify(outcome.status);
}

async function rejectsWith(act: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(error instanceof LightningError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}
