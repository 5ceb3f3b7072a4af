// Steps of a longer work, shown as they happen. On a terminal the running step
// is one line that redraws in place; elsewhere each event is a line of its own,
// without control characters, so that logs stay readable.

import { formatDuration } from "./format.ts";
import type { Output } from "./output.ts";
import type { Style } from "./style.ts";
import { fit, padEnd, printable, widthOf } from "./width.ts";

export type StepState = "running" | "done" | "failed";

export type StepView = {
  readonly state: StepState;
  readonly name: string;
  readonly detail: string;
  readonly elapsedMs: number;
};

export type Step = {
  /** Replace the detail of the running step. */
  update(detail: string): void;
  done(detail?: string): void;
  failed(detail?: string): void;
};

export type StepList = {
  start(name: string, detail?: string): Step;
  /** A line between steps. */
  line(text: string): void;
  /** Take the running line away and show the cursor again. Safe to call twice. */
  close(): void;
};

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const FRAME_MS = 80;
const COLUMNS_MAX = 100;
const NAME_COLUMNS = 11;
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE = "\r\u001b[2K";

/** One step as one line: mark, name, dim detail, duration at the right edge. */
export function renderStep(view: StepView, columns: number, frame: number, style: Style): string {
  const width = Math.min(columns - 1, COLUMNS_MAX);
  const mark =
    view.state === "done"
      ? style.green("✓")
      : view.state === "failed"
        ? style.red("✗")
        : style.cyan(FRAMES[frame % FRAMES.length] ?? "·");
  const duration = formatDuration(view.elapsedMs);
  const head = `${padEnd(fit(view.name, NAME_COLUMNS), NAME_COLUMNS)} `;
  const room = Math.max(0, width - 2 - widthOf(head) - 2 - widthOf(duration));
  const detail = padEnd(fit(view.detail, room), room);
  return `${mark} ${head}${view.state === "failed" ? detail : style.dim(detail)}  ${style.dim(duration)}`;
}

/** The same for a log: one line per event. */
export function renderStepEvent(view: StepView): string {
  const parts =
    view.state === "running"
      ? ["…", padEnd(view.name, NAME_COLUMNS), view.detail]
      : [
          view.state === "done" ? "✓" : "✗",
          padEnd(view.name, NAME_COLUMNS),
          view.detail,
          `(${formatDuration(view.elapsedMs)})`,
        ];
  return parts
    .filter((part) => part !== "")
    .join(" ")
    .trimEnd();
}

/** Show steps on an output: live when it is a terminal. */
export function showSteps(output: Output, nowMs: () => number): StepList {
  return output.isTty ? liveSteps(output, nowMs) : plainSteps(output, nowMs);
}

function plainSteps(output: Output, nowMs: () => number): StepList {
  return {
    start(name, detail = "") {
      const startedMs = nowMs();
      let latest = printable(detail);
      const show = (state: StepState) =>
        output.line(renderStepEvent({ state, name, detail: latest, elapsedMs: nowMs() - startedMs }));
      show("running");
      return {
        update(text) {
          latest = printable(text);
        },
        done(text) {
          latest = printable(text ?? latest);
          show("done");
        },
        failed(text) {
          latest = printable(text ?? latest);
          show("failed");
        },
      };
    },
    line: (text) => output.line(text),
    close: () => undefined,
  };
}

function liveSteps(output: Output, nowMs: () => number): StepList {
  let running: { name: string; detail: string; startedMs: number } | undefined;
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;

  const view = (state: StepState): string => {
    if (running === undefined) return "";
    const { name, detail, startedMs } = running;
    return renderStep(
      { state, name, detail, elapsedMs: nowMs() - startedMs },
      output.columns(),
      frame,
      output.style,
    );
  };
  const draw = () => {
    frame += 1;
    output.raw(CLEAR_LINE + view("running"));
  };
  const stopTimer = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const finish = (state: "done" | "failed", owner: object, detail: string | undefined) => {
    if (running !== owner) return;
    if (detail !== undefined) running.detail = printable(detail);
    stopTimer();
    output.raw(`${CLEAR_LINE}${view(state)}\n${SHOW_CURSOR}`);
    running = undefined;
  };

  const close = () => {
    stopTimer();
    if (running !== undefined) output.raw(CLEAR_LINE);
    output.raw(SHOW_CURSOR);
    running = undefined;
    process.off("exit", close);
  };
  // A forced exit must not leave the terminal without its cursor.
  process.once("exit", close);

  return {
    start(name, detail = "") {
      const own = { name, detail: printable(detail), startedMs: nowMs() };
      running = own;
      output.raw(HIDE_CURSOR);
      draw();
      stopTimer();
      timer = setInterval(draw, FRAME_MS);
      timer.unref();
      return {
        update(text) {
          own.detail = printable(text);
        },
        done: (text) => finish("done", own, text),
        failed: (text) => finish("failed", own, text),
      };
    },
    line(text) {
      output.raw(running === undefined ? `${text}\n` : `${CLEAR_LINE}${text}\n${view("running")}`);
    },
    close,
  };
}

/** For machine-readable runs without a place for progress. */
export const silentSteps: StepList = {
  start: () => ({ update: () => undefined, done: () => undefined, failed: () => undefined }),
  line: () => undefined,
  close: () => undefined,
};
