import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { BundleVerification, RerunOptions } from "@openagents/autopilot";
import { Command } from "commander";
import { collect } from "../arguments.ts";
import { claimTable, claimsExitCode, verdictLine } from "../claims.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { setBody, type Context, type GlobalOptions } from "../context.ts";
import { logKeys, operatorKeys } from "../operators.ts";
import { TOOLCHAIN_OPTION, toolchainsFor } from "../provider/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { showSteps } from "../terminal/index.ts";

type VerifyCommandOptions = GlobalOptions & {
  readonly operator?: string[];
  readonly log?: string[];
  readonly rerun?: true;
  readonly toolchain?: string[];
};

const HELP = `
Checks a Verified Patch Bundle without a server: that its files are those of its
signed manifest, every hash, identifier and signature, that payment, verification,
job, quote and patch belong together, that the patch applies to the base, and that
the verdict follows from the results. With --rerun the check itself is run again in
the sandbox of this computer, on each tree, and has to end in the same way; the
tools that it needs are looked for, and --toolchain names others.

A claim holds, fails, or was not checked. A signature by a key that you did not
pin is not checked, never good. Keys of stacks on this computer are pinned when
they first start; name others with --operator, which then count instead of pins.
The claim \`inclusion\` says that the receipts are in the operator's public log; its key
is pinned in the same way, or named with --log.

Examples:
  openagents verify ~/.openagents/sessions/run_0123456789abcdef0123456789abcdef
  openagents verify ~/Downloads/run_0123456789abcdef0123456789abcdef.zip
  openagents verify ./bundle --rerun --operator https://runtime.example.org
  openagents verify ./bundle --json | jq '.claims[] | select(.state != "holds")'

Exit codes: 0 nothing fails, the signer is pinned, and with --rerun the check ended
            as before; 1 a claim fails; 2 nothing fails, but the signer is not pinned
            or the check could not be run again (or wrong arguments, or there is no
            bundle); 130 interrupted.`;

export function verifyCommand(context: Context): Command {
  const command = new Command("verify")
    .description("check a bundle as an outsider would")
    .argument("<bundle>", "the bundle's folder, or the archive that the console made of it")
    .option("--operator <key-or-url>", "trust this operator's key; may be repeated", collect)
    .option("--log <key>", "trust this transparency log's key; may be repeated", collect)
    .option("--rerun", "run the check again, in the sandbox of this computer")
    .option(TOOLCHAIN_OPTION, "with --rerun, use this tool too; may be repeated", collect)
    .addHelpText("after", HELP);
  return setBody<VerifyCommandOptions>(command, async (options, [folder = "."]) => {
    if (options.toolchain !== undefined && options.rerun !== true) {
      throw new CliError("usage", "--toolchain goes with --rerun", {
        nextStep: "see openagents verify --help",
        exitCode: EXIT.usage,
      });
    }
    const trusted = {
      operatorKeys: await operatorKeys(context, options.operator),
      logKeys: logKeys(context, options.log),
    };
    const { looksLikeBundle, verifyBundle } = await import("@openagents/autopilot");
    const dir = resolve(folder);
    if (!looksLikeBundle(dir)) {
      const message = existsSync(dir) ? `${dir} holds no bundle` : `there is no ${dir}`;
      throw new CliError("no_bundle", message, {
        nextStep:
          "give a bundle's folder, as the last lines of `openagents run` name it, or its archive from the console",
        exitCode: EXIT.usage,
      });
    }
    using stop = catchStopSignals(() => undefined);
    const { claims } =
      options.rerun === true
        ? await rerun(context, options, stop.signal, (again) =>
            verifyBundle(dir, { ...trusted, rerun: again }),
          )
        : await verifyBundle(dir, trusted);
    if (stop.signal.aborted) return EXIT.interrupted;
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

/** Verify with what this computer has to run the check; its progress goes to standard error. */
async function rerun(
  context: Context,
  options: VerifyCommandOptions,
  signal: AbortSignal,
  verify: (again: RerunOptions) => Promise<BundleVerification>,
): Promise<BundleVerification> {
  const steps = showSteps(context.err, context.nowMs);
  try {
    const toolchains = await toolchainsFor(options.toolchain);
    const step = steps.start("rerun", "looks at the bundle");
    const verification = await verify({
      sandbox: await findSandbox((why) => step.update(why)),
      toolchains,
      signal,
      say: (detail) => step.update(detail),
    });
    if (verification.claims.some(({ name, state }) => name === "rerun" && state === "holds")) step.done();
    else step.failed();
    return verification;
  } finally {
    steps.close();
  }
}

/** Undefined, and why, where commands cannot be confined: then nothing is run. */
async function findSandbox(tell: (why: string) => void): Promise<RerunOptions["sandbox"]> {
  const { SandboxError, createSandbox } = await import("@openagents/sandbox");
  try {
    return await createSandbox();
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    tell(error.message);
    return undefined;
  }
}
