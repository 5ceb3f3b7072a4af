// Colours, or none: NO_COLOR and FORCE_COLOR as their authors define them.

export type Style = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
};

const plain = (text: string) => text;

export const noStyle: Style = {
  bold: plain,
  dim: plain,
  green: plain,
  red: plain,
  yellow: plain,
  cyan: plain,
};

const ansi: Style = {
  bold: (text) => `\u001b[1m${text}\u001b[22m`,
  dim: (text) => `\u001b[2m${text}\u001b[22m`,
  green: (text) => `\u001b[32m${text}\u001b[39m`,
  red: (text) => `\u001b[31m${text}\u001b[39m`,
  yellow: (text) => `\u001b[33m${text}\u001b[39m`,
  cyan: (text) => `\u001b[36m${text}\u001b[39m`,
};

/** NO_COLOR (any non-empty value) wins, then FORCE_COLOR (not `0`), then whether it is a terminal. */
export function chooseStyle(env: Readonly<Record<string, string | undefined>>, isTty: boolean): Style {
  if ((env["NO_COLOR"] ?? "") !== "") return noStyle;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced === "0" || forced === "false" ? noStyle : ansi;
  return isTty && env["TERM"] !== "dumb" ? ansi : noStyle;
}
