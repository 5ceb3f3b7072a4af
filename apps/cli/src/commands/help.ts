import { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";

const EXIT_CODES = `Exit codes of openagents

  0    done; for verify: nothing fails, and the signer is pinned
  1    failed, with one line on standard error that says what, why and what next;
       for verify, receipts verify and ledger audit: a check fails; for run and
       demo: the patch is not proven, or nobody but its provider has verified it
  2    nothing was decided: an unknown command or a wrong argument; for verify and
       receipts verify: nothing fails, but the signer is not pinned, or the check
       that --rerun asked for could not be run
  3    run: the check passes, and the patch waits for your review
  130  interrupted (Ctrl-C), after a clean end; a run can be resumed then

test, check and bench end with the code of what they run.
With --json an error is one JSON object on standard error.`;

/** `help`, `help COMMAND…`, and `help exit-codes`. */
export function helpCommand(context: Context): Command {
  const command = new Command("help")
    .description("explain a command, or exit-codes")
    .argument("[topic...]", "a command, or exit-codes");
  return setBody<object>(command, async (_options, topic) => {
    if (topic[0] === "exit-codes") {
      context.out.line(EXIT_CODES);
      return EXIT.ok;
    }
    let described = command.parent ?? command;
    for (const word of topic) {
      const next = described.commands.find((candidate) => candidate.name() === word);
      if (next === undefined) {
        throw new CliError("usage", `there is no command \`${word}\``, {
          nextStep: "see openagents --help",
          exitCode: EXIT.usage,
        });
      }
      described = next;
    }
    described.outputHelp();
    return EXIT.ok;
  });
}
