// How outcomes become a report's tests by name.
//
// A name that is reported more than once has the worst of its outcomes in every
// place: a second record, printed or forged, can take a pass away and never give one.

import type { TestOutcome, TestReport } from "./test-runner.ts";

const TESTS_MAX = 200_000;
const NAME_CHARS_MAX = 4_096;
const BADNESS: Readonly<Record<TestOutcome, number>> = { passed: 0, skipped: 1, failed: 2 };

function worse(one: TestOutcome, other: TestOutcome): TestOutcome {
  return BADNESS[other] > BADNESS[one] ? other : one;
}

/** Gathers what the files of one report say. */
export class TestNames {
  readonly #seen = new Map<string, { times: number; worst: TestOutcome }>();
  readonly #errors = new Set<string>();
  readonly #empty = new Set<string>();
  #tests = 0;
  #because: string | undefined;

  /** The report is not whole; the first reason is kept. */
  spoil(because: string): void {
    this.#because ??= because;
  }

  test(path: readonly string[], outcome: TestOutcome): void {
    const name = this.#nameOf(path);
    if (name === undefined) return;
    const seen = this.#seen.get(name);
    if (seen === undefined) {
      this.#seen.set(name, { times: 1, worst: outcome });
      return;
    }
    seen.times += 1;
    seen.worst = worse(seen.worst, outcome);
  }

  error(path: readonly string[]): void {
    const name = this.#nameOf(path);
    if (name !== undefined) this.#errors.add(name);
  }

  /** A file that was run, and in which no test was. */
  empty(path: readonly string[]): void {
    const name = this.#nameOf(path);
    if (name !== undefined) this.#empty.add(name);
  }

  report(): TestReport {
    this.#spoilByContradiction();
    const tests = new Map<string, TestOutcome>();
    for (const [name, { times, worst }] of this.#seen) {
      for (let time = 1; time <= times; time++) {
        const numbered = time === 1 ? name : `${name} (${time})`;
        // A test may be called by what is another one's number.
        tests.set(numbered, worse(tests.get(numbered) ?? worst, worst));
      }
    }
    const because = this.#because;
    return {
      complete: because === undefined,
      ...(because === undefined ? {} : { because }),
      tests,
      errors: [...this.#errors].sort(),
    };
  }

  /** One report says that nothing was in a file of which another has tests: one of them is made up. */
  #spoilByContradiction(): void {
    for (const name of this.#seen.keys()) {
      const [file = ""] = name.split(" > ", 1);
      if (this.#empty.has(file)) this.spoil(`${file} is reported with tests and without any`);
    }
  }

  #nameOf(path: readonly string[]): string | undefined {
    this.#tests += 1;
    if (this.#tests > TESTS_MAX) {
      this.spoil(`it names more than ${TESTS_MAX} tests`);
      return undefined;
    }
    const name = path.join(" > ");
    if (name.length <= NAME_CHARS_MAX) return name;
    this.spoil(`a test's name is longer than ${NAME_CHARS_MAX} characters`);
    return undefined;
  }
}
