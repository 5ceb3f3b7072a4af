// The demonstration, asked for in the console: carried out here, on this
// computer's own stack, and paid with demo credit of the device's organisation.

import { join } from "node:path";
import type { DemoRunner } from "@openagents/autopilot";
import {
  dataDirAt,
  ensureLocalProviders,
  loadKeys,
  localOwner,
  openStackLog,
  tokenSource,
  type LocalPrincipal,
} from "@openagents/stack";
import { connect } from "../connection.ts";
import { dataDirOf, type Context, type DataDirOption } from "../context.ts";
import { DEMO_BUDGET_MSATS, demoRequest } from "../demo/index.ts";
import { runDeps } from "../runs/index.ts";

export type DemoDevice = { readonly deviceId: string; readonly org: string };

/** Only for the stack of this computer: its key speaks for whoever owns it. */
export function demoRunner(context: Context, options: DataDirOption, device: DemoDevice): DemoRunner {
  return async ({ folder, runId, onOpen, signal }) => {
    const { prepareDemoRepository, resumeRun, runIssue } = await import("@openagents/autopilot");
    const dataDir = dataDirAt(dataDirOf(context, options));
    const { record } = connect(context, options);
    const keys = loadKeys(dataDir);
    const buyer: LocalPrincipal = {
      sub: device.deviceId,
      org: device.org,
      zone: "0.5",
      device: device.deviceId,
    };
    const providers = await ensureLocalProviders({
      dataDir,
      keys,
      runtimeUrl: record.runtimeUrl,
      log: openStackLog(dataDir.root),
      nowMs: context.nowMs,
      signal,
    });
    await using parts = new AsyncDisposableStack();
    parts.defer(() => providers.stop());
    const deps = {
      ...runDeps(
        context,
        { baseUrl: record.runtimeUrl, token: tokenSource(keys, buyer, context.nowMs) },
        dataDir.root,
        signal,
      ),
      onOpen,
    };
    // Awaited here, so that the providers stay until it has ended.
    if (runId !== undefined) return await resumeRun(deps, runId);
    const owner = tokenSource(keys, localOwner(keys), context.nowMs);
    await grantCredit(record.runtimeUrl, owner, device.org, signal);
    const repo = join(folder, "repo");
    const demo = await prepareDemoRepository(repo);
    // Its source is anyone's, and the device's organisation need not be this computer's owner's.
    return await runIssue(deps, { ...demoRequest(demo), market: true });
  };
}

async function grantCredit(
  runtimeUrl: string,
  token: () => Promise<string>,
  org: string,
  signal: AbortSignal,
): Promise<void> {
  const { Treasury, createClient } = await import("@openagents/contracts");
  const treasury = createClient(Treasury, { baseUrl: runtimeUrl, token });
  await treasury.grantDemoCredit(
    { org, amountMsats: DEMO_BUDGET_MSATS, memo: "demo from the console" },
    { signal },
  );
}
