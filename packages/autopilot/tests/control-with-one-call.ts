// Control with one open request, which keeps what it is told by its keys.

import type { CodexWorkerCall } from "@openagents/contracts";
import type { DeviceClients } from "../src/device/deps.ts";

export function controlWithOneCall(asked: Pick<CodexWorkerCall, "requestId" | "method" | "params">) {
  const call: CodexWorkerCall = {
    workerId: "cwk_1",
    ...asked,
    status: "claimed",
    claims: 1,
    createdAt: 0,
    deadlineAt: 600_000,
  };
  const told = new Map<string, unknown>();
  const answered = Promise.withResolvers<{ readonly response?: unknown; readonly error?: unknown }>();
  let isOpen = true;
  const workers: Partial<DeviceClients["workers"]> = {
    createCodexWorker: async () => ({ worker: { workerId: "cwk_1" } }) as never,
    async claimCodexWorkerCall({ holding }, options) {
      if (isOpen && !holding.includes(call.requestId)) return { call };
      await new Promise((_resolve, reject) => {
        options?.signal?.addEventListener("abort", () => reject(options.signal?.reason), { once: true });
      });
      return {};
    },
    async appendCodexWorkerEvents({ events }, options) {
      told.set(options?.idempotencyKey ?? "", events);
      return { headSeq: 1n } as never;
    },
    async answerCodexWorkerCall(answer) {
      isOpen = false;
      answered.resolve(answer);
      return { call } as never;
    },
  };
  return { clients: { workers, threads: {} } as unknown as DeviceClients, told, answered: answered.promise };
}
