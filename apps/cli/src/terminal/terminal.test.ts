import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, formatSats } from "./format.ts";
import type { Output } from "./output.ts";
import { renderStep, renderStepEvent, showSteps } from "./steps.ts";
import { chooseStyle, noStyle } from "./style.ts";
import { renderPairs, renderTable } from "./table.ts";
import { fit, padEnd, printable, widthOf } from "./width.ts";

test("sats are grouped by thousands, and msats show only when some are left over", () => {
  const cases: [bigint, string][] = [
    [0n, "0 sat"],
    [999n, "0.999 sat"],
    [1_000n, "1 sat"],
    [999_000n, "999 sat"],
    [1_234_000n, "1 234 sat"],
    [1_234_567n, "1 234.567 sat"],
    [21_000_000_000_000n, "21 000 000 000 sat"],
    [-1_500n, "−1.500 sat"],
  ];
  for (const [msats, text] of cases) assert.equal(formatSats(msats), text);
});

test("durations never show sixty of a unit", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min 00 s"],
    [119_600, "2 min 00 s"],
    [3_599_499, "59 min 59 s"],
    [3_599_500, "1 h 00 min"],
    [86_400_000, "1 d 00 h"],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test("a text's width counts columns, not code units", () => {
  const cases: [string, number][] = [
    ["plain", 5],
    ["\u001b[32mgreen\u001b[39m", 5],
    ["日本", 4],
    ["e\u0301", 1],
    ["👍🏽", 2],
    ["👩‍👩‍👧", 2],
    ["✓", 1],
    ["ｆ", 2],
    ["한글", 4],
  ];
  for (const [text, width] of cases) assert.equal(widthOf(text), width, JSON.stringify(text));
});

test("a fitted text never passes its columns and says when it was cut", () => {
  for (const text of ["short", "日本語のとても長い題名", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", "a".repeat(200)]) {
    for (let columns = 0; columns < 30; columns += 1) {
      const fitted = fit(text, columns);
      assert.ok(widthOf(fitted) <= columns, `${fitted} in ${columns}`);
      assert.equal(fitted === text || columns === 0 || fitted.endsWith("…"), true);
    }
  }
});

test("text from elsewhere cannot move the cursor, break the line or turn its direction", () => {
  const hostile = "a\u001b[2Jb\r\nc\u0007d\u202ee\u2066f\u009bg\u2028h\ud800i";
  const safe = printable(hostile);
  assert.equal(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u.test(safe), false);
  assert.equal(safe, "a�[2Jb c�d�e�f�g�h�i");
});

test("columns of a table line up under wide characters and colours", () => {
  const lines = renderTable(
    [{ title: "name" }, { title: "sats", align: "right" }, { title: "note" }],
    [
      ["日本", "7", "x"],
      ["\u001b[32mok\u001b[39m", "1 234", ""],
    ],
  );
  assert.deepEqual(lines, ["name   sats  note", "日本      7  x", "\u001b[32mok\u001b[39m    1 234"]);
  assert.deepEqual(
    renderPairs([
      ["a", "1"],
      ["long", "2"],
    ]),
    ["a     1", "long  2"],
  );
  assert.equal(padEnd("日", 3), "日 ");
});

test("a step fills its line exactly, with the duration at the right edge", () => {
  for (const columns of [40, 80, 101, 300]) {
    const line = renderStep(
      { state: "done", name: "job", detail: "日本 ".repeat(100), elapsedMs: 1_234 },
      columns,
      0,
      noStyle,
    );
    assert.equal(widthOf(line), Math.min(columns - 1, 100));
    assert.match(line, /^✓ job .*… {2,3}1\.2 s$/);
  }
});

test("a terminal too narrow for a step still gets its mark, name and duration", () => {
  assert.match(
    renderStep({ state: "failed", name: "verify", detail: "why", elapsedMs: 5 }, 10, 0, noStyle),
    /^✗ verify .*5 ms$/,
  );
});

test("a log's lines of steps hold no control characters", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const steps = showSteps(
    fakeOutput(false, (text) => lines.push(text)),
    () => nowMs,
  );
  const step = steps.start("quote", "asking\u001b[31m");
  nowMs = 1500;
  step.update("from\u0007provider");
  step.done();
  steps.start("job").failed("lost");
  steps.close();
  assert.deepEqual(lines, [
    "… quote       asking�[31m\n",
    "✓ quote       from�provider (1.5 s)\n",
    "… job\n",
    "✗ job         lost (0 ms)\n",
  ]);
  assert.equal(
    renderStepEvent({ state: "done", name: "x", detail: "", elapsedMs: 1 }),
    "✓ x           (1 ms)",
  );
});

test("a terminal gets its cursor back, also when steps end early", () => {
  let written = "";
  const steps = showSteps(
    fakeOutput(true, (text) => (written += text)),
    () => 0,
  );
  steps.start("job", "waiting");
  steps.close();
  const hidden = written.lastIndexOf("\u001b[?25l");
  assert.ok(hidden >= 0 && written.lastIndexOf("\u001b[?25h") > hidden);
  assert.ok(written.endsWith("\r\u001b[2K\u001b[?25h"));
});

test("a finished step no longer changes the line of the next one", () => {
  let written = "";
  const steps = showSteps(
    fakeOutput(true, (text) => (written += text)),
    () => 0,
  );
  const first = steps.start("one");
  first.done();
  const second = steps.start("two");
  first.failed("late");
  second.done("fine");
  steps.close();
  assert.equal(written.includes("late"), false);
  assert.match(written, /✓ two +fine/);
});

test("NO_COLOR wins over FORCE_COLOR, which wins over the terminal", () => {
  const colours = (env: Record<string, string>, tty: boolean) => chooseStyle(env, tty).red("x") !== "x";
  assert.equal(colours({}, true), true);
  assert.equal(colours({}, false), false);
  assert.equal(colours({ FORCE_COLOR: "1" }, false), true);
  assert.equal(colours({ FORCE_COLOR: "0" }, true), false);
  assert.equal(colours({ NO_COLOR: "1", FORCE_COLOR: "1" }, true), false);
  assert.equal(colours({ NO_COLOR: "" }, true), true);
  assert.equal(colours({ TERM: "dumb" }, true), false);
});

function fakeOutput(isTty: boolean, write: (text: string) => void): Output {
  return {
    isTty,
    style: noStyle,
    columns: () => 80,
    line: (text) => write(`${text}\n`),
    raw: (data) => write(String(data)),
    isOpen: () => true,
    flush: async () => undefined,
  };
}
