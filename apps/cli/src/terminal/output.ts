// One of the process's two output streams. Writing to a reader that went away
// (`openagents runs list | head`) ends quietly.

import { chooseStyle, type Style } from "./style.ts";

export type Output = {
  readonly isTty: boolean;
  readonly style: Style;
  columns(): number;
  /** Text and a newline. */
  line(text: string): void;
  /** Bytes or text as they are. */
  raw(data: string | Uint8Array): void;
  /** False once the reader went away. */
  isOpen(): boolean;
  /** Wait until everything is handed to the system. */
  flush(): Promise<void>;
};

/** Wrap a stream of the process. */
export function openOutput(
  stream: NodeJS.WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): Output {
  let open = true;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    open = false;
    if (error.code !== "EPIPE") process.exitCode = 1;
  });
  const isTty = stream.isTTY === true && env["TERM"] !== "dumb";
  const raw = (data: string | Uint8Array) => {
    if (open) stream.write(data);
  };
  return {
    isTty,
    style: chooseStyle(env, isTty),
    // 0 is what a terminal without a size says.
    columns: () => stream.columns || 80,
    line: (text) => raw(`${text}\n`),
    raw,
    isOpen: () => open,
    flush: () =>
      new Promise((resolve) => {
        if (!open) return resolve();
        stream.once("error", () => resolve());
        stream.write("", () => resolve());
      }),
  };
}
