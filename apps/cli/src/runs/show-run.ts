// A run as it happens, for a person: its steps, and what its agent says and does.

import type { RunDeps } from "@openagents/autopilot";
import { fit, inSats, printable, type Step, type StepList, type Style } from "../terminal/index.ts";

const LINE_COLUMNS_MAX = 160;

/** What shows a run on a list of steps, its amounts in sats. */
export function showRun(
  steps: StepList,
  style: Style,
): Required<Pick<RunDeps, "onProgress" | "onAgentEvent" | "onOpen">> {
  let step: Step | undefined;
  const say = (mark: string, text: string) => {
    for (const line of text.trim().split("\n").slice(0, 20))
      steps.line(style.dim(`    ${mark} ${fit(printable(line), LINE_COLUMNS_MAX)}`));
  };
  return {
    onOpen: (runId) => steps.line(style.dim(`  run ${runId}`)),
    onProgress({ step: name, state, detail: text }) {
      const detail = inSats(text);
      switch (state) {
        case "started":
          step = steps.start(name, detail);
          return;
        case "updated":
          step?.update(detail);
          return;
        case "done":
          step?.done(detail);
          return;
        case "failed":
          step?.failed(detail);
      }
    },
    onAgentEvent(event) {
      switch (event.type) {
        case "message":
          say("›", event.text);
          return;
        case "tool_call":
          say("·", event.summary);
          return;
        case "command":
          say(
            "$",
            event.exitCode === undefined ? event.command : `${event.command}  (exits ${event.exitCode})`,
          );
          return;
        case "file_change":
          say("±", `${event.change} ${event.path}`);
          return;
        case "approval":
          say("?", `${event.decision === "accept" ? "accepted" : "declined"}: ${event.what}`);
          return;
        case "usage":
      }
    },
  };
}
