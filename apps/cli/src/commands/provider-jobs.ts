import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import { identityOf, jobLines, jobsJson, listJobs, type IdentityOptions } from "../provider/index.ts";
import { addIdentityOptions } from "./identity-options.ts";

const HELP = `
Shows the latest jobs of this provider, newest first: what became of each, what was
paid, and if nothing was, why. Those that went to another provider are among them. Where
it is told of jobs (--listen), what went wrong with that is said too; such a job is taken
all the same when the provider asks.

Examples:
  openagents provider jobs
  openagents provider jobs --json | jq '.jobs[] | select(.unpaid_because)'

Exit codes: 0 shown; 1 could not look.`;

const JOBS_SHOWN = 50;

export function jobsCommand(context: Context): Command {
  const command = new Command("jobs")
    .description("its latest jobs, and why one was not paid")
    .addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const jobs = await listJobs(identityOf(context, options), JOBS_SHOWN);
    const lines = options.json === true ? [await jobsJson(jobs)] : jobLines(jobs, context.out.style);
    for (const line of lines) context.out.line(line);
    return EXIT.ok;
  });
}
