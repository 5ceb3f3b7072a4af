import { dataDirAt, stopSeller, type SellerStop } from "@openagents/stack";
import { Command } from "commander";
import { existsSync } from "node:fs";
import { EXIT } from "../cli-error.ts";
import { dataDirOf, setBody, type Context } from "../context.ts";
import { identityOf, type IdentityOptions } from "../provider/index.ts";
import { addIdentityOptions } from "./identity-options.ts";

const HELP = `
Asks the provider to stop and waits until it has: it takes no new job, and gives a
running one back to its buyer. One that does not end within 25 seconds is killed.
When none is running, says so and succeeds.

Examples:
  openagents provider stop
  openagents provider stop --as eve

Exit codes: 0 it does not run any more; 1 it could not be ended.`;

export function stopCommand(context: Context): Command {
  const command = new Command("stop").description("stop selling").addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const { out } = context;
    const dataDir = dataDirAt(dataDirOf(context, options));
    const known = existsSync(dataDir.keys) || options.runtime !== undefined;
    const stopped: SellerStop = known
      ? await stopSeller(dataDir, identityOf(context, options).seat)
      : { outcome: "nothing_running", interrupted: [] };
    const { outcome, pid, record, interrupted } = stopped;
    if (options.json === true) {
      const worker = record?.workerId;
      out.line(JSON.stringify({ outcome, pid, worker_id: worker, interrupted, data_dir: dataDir.root }));
      return EXIT.ok;
    }
    const jobs = interrupted.join(", ");
    if (outcome === "nothing_running") out.line("no provider is running");
    if (outcome === "stopped") {
      const back = jobs === "" ? "" : `; ${jobs} went back to its buyer`;
      out.line(`${out.style.green("✓")} stopped${back}`);
    }
    if (outcome === "killed") {
      const back = jobs === "" ? "" : `; ${jobs} goes back to the market when its lease lapses`;
      out.line(`${out.style.yellow("✓")} killed: it did not end within 25 s${back}`);
    }
    return EXIT.ok;
  });
}
