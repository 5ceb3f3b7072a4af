// What a script file says: words to show and recorded patches to apply, in
// order. Parsed strictly, so that a misspelt step is an error and not a no-op.

import { AgentError } from "./agent.ts";

export type Script = {
  /** Steps by attempt. One list alone serves every attempt. */
  readonly attempts: readonly (readonly ScriptStep[])[];
  readonly everyAttemptAlike: boolean;
};

export type ScriptStep = { readonly say: string } | { readonly patch: string };

const ATTEMPTS_MAX = 20;
const STEPS_MAX = 100;
const TEXT_CHARS_MAX = 4_000;

/** Throws `AgentError` `script_invalid` naming the member that is wrong. */
export function parseScript(text: string): Script {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentError("script_invalid", "The script is not JSON. Give a script or a .patch file.", {
      cause,
    });
  }
  if (!isRecord(value)) throw invalid("the script must be an object");
  const { version, steps, attempts, ...others } = value;
  refuseOthers(others, "the script");
  if (version !== 1) throw invalid("`version` must be 1");
  if ((steps === undefined) === (attempts === undefined))
    throw invalid("it needs exactly one of `steps` and `attempts`");
  if (steps !== undefined) return { attempts: [parseSteps(steps, "")], everyAttemptAlike: true };
  return { attempts: parseAttempts(attempts), everyAttemptAlike: false };
}

function parseAttempts(attempts: unknown): readonly (readonly ScriptStep[])[] {
  if (!Array.isArray(attempts) || attempts.length === 0 || attempts.length > ATTEMPTS_MAX)
    throw invalid(`\`attempts\` must be a list of 1 to ${ATTEMPTS_MAX} attempts`);
  return attempts.map((attempt: unknown, index) => {
    const where = `attempt ${index + 1}`;
    if (!isRecord(attempt)) throw invalid(`${where} must be an object`);
    const { steps, ...others } = attempt;
    refuseOthers(others, where);
    return parseSteps(steps, `${where}, `);
  });
}

function parseSteps(steps: unknown, where: string): readonly ScriptStep[] {
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > STEPS_MAX) {
    throw invalid(`${where}\`steps\` must be a list of 1 to ${STEPS_MAX} steps`);
  }
  return steps.map((step: unknown, index) => parseStep(step, `${where}step ${index + 1}`));
}

function parseStep(step: unknown, where: string): ScriptStep {
  if (!isRecord(step)) throw invalid(`${where} must be an object`);
  const { say, patch, ...others } = step;
  refuseOthers(others, where);
  if ((say === undefined) === (patch === undefined))
    throw invalid(`${where} needs exactly one of \`say\` and \`patch\``);
  const text = say ?? patch;
  if (typeof text !== "string" || text === "" || text.length > TEXT_CHARS_MAX) {
    throw invalid(`${where} must hold a text of 1 to ${TEXT_CHARS_MAX} characters`);
  }
  return say === undefined ? { patch: text } : { say: text };
}

function refuseOthers(others: Record<string, unknown>, where: string): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw invalid(`${where} has a member \`${name}\` that means nothing`);
}

function invalid(problem: string): AgentError {
  return new AgentError("script_invalid", `The agent script cannot be used: ${problem}.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
