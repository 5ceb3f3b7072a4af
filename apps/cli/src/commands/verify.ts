import { resolve } from "node:path";
import { Command } from "commander";
import { collect } from "../arguments.ts";
import { claimTable, claimsExitCode, verdictLine } from "../claims.ts";
import { setBody, type Context } from "../context.ts";
import { operatorKeys } from "../operators.ts";

const HELP = `
Checks a Verified Patch Bundle without a server: that its files are those of its
signed manifest, every hash, identifier and signature, that payment, verification,
job, quote and patch belong together, that the patch applies to the base, and that
the verdict follows from the results. Nothing is run again.

A claim holds, fails, or was not checked. A signature by a key that you did not
pin is not checked, never good. Keys of stacks on this computer are pinned when
they first start; name others with --operator, which then count instead of pins.

Examples:
  openagents verify ~/.openagents/sessions/run_0123456789abcdef0123456789abcdef
  openagents verify ./bundle --operator https://runtime.example.org
  openagents verify ./bundle --json | jq '.claims[] | select(.state != "holds")'

Exit codes: 0 nothing fails and the signer is pinned; 1 a claim fails;
            2 nothing fails, but the signer is not pinned (or wrong arguments).`;

export function verifyCommand(context: Context): Command {
  const command = new Command("verify")
    .description("check a bundle as an outsider would")
    .argument("<folder>", "the bundle's folder")
    .option("--operator <key-or-url>", "trust this operator's key; may be repeated", collect)
    .addHelpText("after", HELP);
  return setBody<{ operator?: string[] }>(command, async (options, [folder = "."]) => {
    const keys = await operatorKeys(context, options.operator);
    const { verifyBundle } = await import("@openagents/autopilot");
    const { claims } = await verifyBundle(resolve(folder), { operatorKeys: keys });
    const exitCode = claimsExitCode(claims);
    const { out } = context;
    if (options.json === true) {
      out.line(JSON.stringify({ ok: exitCode === 0, claims }));
      return exitCode;
    }
    for (const line of claimTable(claims, out.style)) out.line(line);
    out.line(verdictLine(claims, out.style));
    return exitCode;
  });
}
