// For the tests of intents: a payee on loopback that loses, delays and repeats
// what a test tells it to, the handler that pays it, and an executor that can be
// killed in a process of its own.

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Treasury, methodsOf, type CommandCall } from "@openagents/contracts";
import { connect } from "@openagents/postgres";
import { createAuthority } from "./authority.ts";
import { startIntentWorker, type IntentHandler } from "./intent-worker.ts";

export const KIND = "test.payment";

export const METHOD = grantMethod();

function grantMethod() {
  const method = methodsOf(Treasury).find(({ localName }) => localName === "grantDemoCredit");
  if (method === undefined) throw new Error("the contract has no such method");
  return method;
}

export const PRINCIPAL: CommandCall["principal"] = {
  id: "svc_test",
  kind: "service",
  org: "org_operator",
  scopes: new Set<string>(),
  zoneTenths: 0,
  tokenId: "svc_test",
};

/** What the payee does with the next payment that reaches it. */
export type Fault = "none" | "drop_request" | "drop_reply" | "hold_reply" | "reply_twice" | "hold_request";

export type Payee = {
  readonly url: string;
  /** How often each key's payment arrived, and how often it was done. */
  readonly arrived: ReadonlyMap<string, number>;
  readonly done: ReadonlyMap<string, number>;
  /** Faults of the next payments, in order; `none` when there is none left. */
  readonly faults: Fault[];
  /** Whether questions are answered. */
  answersQuestions: boolean;
  readonly inFlight: { now: number; max: number };
  /** Let go of everything that is held. */
  release(): void;
};

export async function startPayee(t: TestContext): Promise<Payee> {
  const arrived = new Map<string, number>();
  const done = new Map<string, number>();
  const closed = new Set<string>();
  const held: (() => void)[] = [];
  const faults: Fault[] = [];
  const inFlight = { now: 0, max: 0 };
  const reply = (response: ServerResponse, body: object) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const pay = (key: string) => {
    if (!closed.has(key)) done.set(key, (done.get(key) ?? 0) + 1);
  };
  const server = createServer((request, response) => {
    const [, key = "", question] = (request.url ?? "").split("/");
    if (question !== undefined) {
      if (!payee.answersQuestions) return void request.socket.destroy();
      // Whoever asks closes the key, so that a payment still on its way is not taken any more.
      if (!done.has(key)) closed.add(key);
      return reply(response, { done: done.has(key) });
    }
    arrived.set(key, (arrived.get(key) ?? 0) + 1);
    const fault = faults.shift() ?? "none";
    if (fault === "drop_request") return void request.socket.destroy();
    if (fault === "hold_request") return void held.push(() => pay(key));
    pay(key);
    if (fault === "drop_reply") return void request.socket.destroy();
    if (fault === "hold_reply") return void held.push(() => reply(response, { done: true }));
    if (fault === "reply_twice") {
      const text = 'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"done":true}';
      return void request.socket.end(text + text);
    }
    inFlight.now += 1;
    inFlight.max = Math.max(inFlight.max, inFlight.now);
    setImmediate(() => {
      inFlight.now -= 1;
      reply(response, { done: true });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const payee: Payee = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    done,
    faults,
    answersQuestions: true,
    inFlight,
    release: () => {
      for (const letGo of held.splice(0)) letGo();
    },
  };
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return payee;
}

/** Where a handler stops for good, so that its process can be killed there. */
export type Stop = "never" | "taken" | "received" | "replied" | "concluding";

const forEver = () => new Promise<never>(() => undefined);

export function payingHandler(url: string, stop: Stop = "never", at?: (point: Stop) => void): IntentHandler {
  const reach = async (point: Stop) => {
    at?.(point);
    if (stop === point) await forEver();
  };
  return {
    kind: KIND,
    method: METHOD,
    async act(intent, signal) {
      await reach("taken");
      const sending = fetch(`${url}/${intent.effectKey}`, { method: "POST", signal });
      if (stop === "received") await sending.then(() => reach("received"));
      const response = await sending.catch((error: { cause?: { code?: string } }) => {
        if (error.cause?.code === "ECONNREFUSED") return undefined;
        throw error;
      });
      if (response === undefined) return { kind: "not_sent", detail: "Nobody listens there." };
      await response.json();
      await reach("replied");
      return { kind: "succeeded", facts: { paid: 1 } };
    },
    async ask(intent, signal) {
      const response = await fetch(`${url}/${intent.effectKey}/close`, { method: "POST", signal });
      const { done } = (await response.json()) as { done: boolean };
      if (done) return { kind: "succeeded", facts: { paid: 1 } };
      return {
        kind: "failed",
        reason: "never_arrived",
        detail: "The payee never had it, and takes it no more.",
      };
    },
    async conclude(command, intent, effect) {
      const receipt = command.seal(
        "openagents.treasury.demo_grant.v1",
        intent.subject,
        { intent_id: intent.intentId, status: effect.kind },
        command.nowMs(),
      );
      await reach("concluding");
      if (effect.kind === "failed") {
        return { kind: "refused", rule: "state", reason: effect.reason, detail: effect.detail, writes: [] };
      }
      const output = {
        org: intent.tenant,
        amountMsats: 1n,
        availableMsats: 2n,
        receiptId: receipt.receipt_id,
      };
      return { kind: "answer", output, writes: [] };
    },
  };
}

/** A process's whole work: carry out intents, stop at a point, and say so. */
export function runExecutor(databaseUrl: string, payeeUrl: string, stop: Stop, nowMs: number): void {
  const db = connect({ url: databaseUrl, applicationName: "executor" });
  const say = (point: Stop) => process.stdout.write(`${point}\n`);
  startIntentWorker({
    db,
    authority: createAuthority({ db, nowMs: () => nowMs }),
    nowMs: () => nowMs,
    handlers: [payingHandler(payeeUrl, stop, say)],
    principal: PRINCIPAL,
    onTrouble: () => undefined,
    lookEveryMs: 5,
  });
}
