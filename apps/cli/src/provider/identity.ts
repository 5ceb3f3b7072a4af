// As whom this computer sells, and to whom: as its owner's own device, as a
// provider of an organisation apart on the same stack, or to another's runtime.

import { createHash } from "node:crypto";
import type { ClientSettings } from "@openagents/autopilot";
import {
  dataDirAt,
  findRunning,
  loadKeys,
  localDevice,
  localProvider,
  providerSeatAt,
  tokenSource,
  type DataDir,
  type LocalPrincipal,
  type ProviderSeat,
  type StackKeys,
} from "@openagents/stack";
import { CliError, EXIT } from "../cli-error.ts";
import { dataDirOf, type Context, type DataDirOption } from "../context.ts";
import { parseRuntimeUrl, remoteToken } from "../remote-runtime.ts";

export type IdentityOptions = DataDirOption & {
  readonly as?: string;
  readonly runtime?: string;
  readonly tokenFile?: string;
};

export type Identity = {
  readonly seat: ProviderSeat;
  readonly displayName: string;
  /** A fair price where none is named. */
  readonly priceMsats: bigint;
  /** How `stop` and `status` are told that it is this one: ` --as NAME`, or nothing. */
  readonly flags: string;
  /** Where it sells. Throws `stack_not_running`, `token_missing`, `token_file_unreadable`. */
  client(): ClientSettings;
};

/** The owner's device works for its owner, who would pay to themself: as little as there is. */
const OWN_PRICE_MSATS = 1_000n;
const MARKET_PRICE_MSATS = 200_000n;

/** Throws `no_stack_here` when the data directory has no keys, and for options that do not go together. */
export function identityOf(context: Context, options: IdentityOptions): Identity {
  const dataDir = dataDirAt(dataDirOf(context, options));
  if (options.runtime !== undefined) return remoteIdentity(context, dataDir, options.runtime, options);
  if (options.tokenFile !== undefined) throw usage("--token-file goes with --runtime");
  const keys = loadKeys(dataDir);
  const { as: name } = options;
  if (name === undefined) {
    return {
      ...localIdentity(context, dataDir, keys, localDevice(keys)),
      displayName: "This computer",
      priceMsats: OWN_PRICE_MSATS,
      flags: "",
    };
  }
  return {
    ...localIdentity(context, dataDir, keys, localProvider(name)),
    displayName: `Provider ${name}`,
    priceMsats: MARKET_PRICE_MSATS,
    flags: ` --as ${name}`,
  };
}

function localIdentity(context: Context, dataDir: DataDir, keys: StackKeys, principal: LocalPrincipal) {
  return {
    seat: providerSeatAt(dataDir, principal.sub),
    client() {
      const running = findRunning(dataDir);
      if (running === undefined) {
        throw new CliError("stack_not_running", `no stack is running on ${dataDir.root}`, {
          nextStep: "start one with `openagents up --detach`, or name a runtime with --runtime",
        });
      }
      return { baseUrl: running.runtimeUrl, token: tokenSource(keys, principal, context.nowMs) };
    },
  };
}

function remoteIdentity(
  context: Context,
  dataDir: DataDir,
  address: string,
  { as: name, tokenFile }: IdentityOptions,
): Identity {
  if (name !== undefined)
    throw usage("--as is for the stack of this computer; with --runtime the token says who you are");
  const baseUrl = parseRuntimeUrl(address);
  const digest = createHash("sha256").update(baseUrl).digest("hex").slice(0, 16);
  return {
    seat: providerSeatAt(dataDir, `remote_${digest}`),
    displayName: "OpenAgents provider",
    priceMsats: MARKET_PRICE_MSATS,
    flags: ` --runtime ${baseUrl}`,
    client: () => ({ baseUrl, token: remoteToken(context, tokenFile, "selling to another's runtime") }),
  };
}

function usage(problem: string): CliError {
  return new CliError("usage", problem, {
    nextStep: "see openagents provider start --help",
    exitCode: EXIT.usage,
  });
}
