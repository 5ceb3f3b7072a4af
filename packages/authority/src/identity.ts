import { hash } from "node:crypto";
import { encode, type CommandCall } from "@openagents/contracts";
import { canonicalize } from "@openagents/receipts";

/** Which command a call is, and which request it makes. */
export type Identity = {
  readonly commandId: Buffer;
  readonly mapKey: string;
  readonly requestSha256: Buffer;
};

export function identify(call: CommandCall, input: unknown): Identity {
  const { principal, method, idempotencyKey } = call;
  const name = JSON.stringify([principal.org, principal.id, method.name, idempotencyKey]);
  const commandId = hash("sha256", name, "buffer");
  const request = canonicalize(encode(method.input, input));
  return {
    commandId,
    mapKey: commandId.toString("base64"),
    requestSha256: hash("sha256", request, "buffer"),
  };
}
