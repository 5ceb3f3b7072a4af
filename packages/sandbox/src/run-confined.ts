// One process tree in a sandbox, from start to the last of it.
//
// The sandbox starts with its gate closed: a shell inside says that it is ready
// and waits for our word. Only then do clocks run and the command start. So
// set-up time is nobody's, a broken set-up is not taken for a failing command,
// and a command never starts when we died while its sandbox was made.

import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { FD } from "./confinement.ts";
import { coverInherited } from "./inherited-files.ts";
import type { LimitMeter, LimitScope } from "./limits/index.ts";
import { SYSTEM_PATH } from "./programs.ts";
import type { LimitName } from "./sandbox.ts";
import { SandboxError } from "./sandbox-error.ts";

export type ConfinedRun = {
  /** Makes the command line, around the gate that this module puts before the program. */
  readonly commandLine: (argv: readonly string[]) => readonly string[];
  readonly argv: readonly string[];
  readonly filter: Buffer;
  readonly scope: LimitScope;
  /** Ends everything in the run's namespaces, and so this too. */
  readonly kill: () => void;
  /** Whether the scope's limits count; wall time and output always do. */
  readonly metered: boolean;
  readonly wallMs: number;
  readonly outputBytes: number;
  /** Called when the program starts: what it reads. It reads nothing when absent. */
  readonly input?: () => Readable;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput?: ((stream: "stdout" | "stderr", data: Buffer) => void) | undefined;
  readonly nowMs: () => number;
};

/** What is said anew for each program of a run. */
export type ConfineOptions = Pick<ConfinedRun, "input" | "metered" | "onOutput" | "outputBytes" | "wallMs">;

/** Runs a confined program of ours, as the command's user and without the request's variables. */
export type Step = (argv: readonly string[], options: ConfineOptions) => Promise<ConfinedEnd>;

export type ConfinedEnd = {
  readonly exitCode?: number;
  readonly signal?: string;
  readonly limit?: LimitName;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
};

const GATE = `
umask 022
printf . >&${FD.ready} || exit 125
read -r go || exit 125
exec ${FD.ready}>&-
[ "$1" = input ] || exec </dev/null
shift
cd /work || exit 126
exec "$@"
`;

/** Runs first and outside: what starts later is born into the control groups. */
const JOIN = `
for file do
  shift
  [ "$file" = -- ] && break
  echo $$ >"$file" || exit 125
done
exec "$@"
`;

const METER_EVERY_MS = 50;
const SETUP_ERROR_BYTES_MAX = 64 * 1024;

/**
 * Run a program in a sandbox of its own and wait until nothing of it is alive.
 * Throws the signal's reason when aborted, and `sandbox_failed` when the
 * program could not be started.
 */
export async function runConfined(run: ConfinedRun): Promise<ConfinedEnd> {
  run.signal?.throwIfAborted();
  const gate = ["/bin/sh", "-c", GATE, "sh", run.input === undefined ? "nothing" : "input", ...run.argv];
  using cover = coverInherited(Array.from({ length: FD.ready + 1 }, () => "pipe"));
  const child = spawn("/bin/sh", ["-c", JOIN, "sh", ...run.scope.joinFiles, "--", ...run.commandLine(gate)], {
    cwd: "/",
    env: { PATH: SYSTEM_PATH.join(":"), LC_ALL: "C" },
    stdio: cover.stdio,
  });
  const sandbox = watch(child, run.kill);
  send(child, FD.seccomp, run.filter);

  const output = new Output(run);
  let ended: LimitName | "aborted" | undefined;
  const end = (why: LimitName | "aborted") => {
    ended ??= why;
    run.kill();
  };
  const whyEnded = () => ended;
  const abort = () => end("aborted");
  run.signal?.addEventListener("abort", abort, { once: true });
  output.onFull = () => end("output");
  child.stdout?.on("data", (data: Buffer) => output.take("stdout", data));
  child.stderr?.on("data", (data: Buffer) => output.take("stderr", data));

  let meter: LimitMeter | undefined;
  let wall: NodeJS.Timeout | undefined;
  let ticks: NodeJS.Timeout | undefined;
  try {
    if (!(await sandbox.ready) || child.pid === undefined || whyEnded() === "aborted") {
      const exit = await sandbox.closed;
      run.signal?.throwIfAborted();
      throw new SandboxError(
        "sandbox_failed",
        `the sandbox could not be set up: ${output.words() || exit.words}`,
      );
    }
    output.start();
    if (run.metered) meter = run.scope.startMeter(child.pid);
    const startedAtMs = run.nowMs();
    const from = performance.now();
    wall = setTimeout(() => end("wall"), run.wallMs);
    ticks = setInterval(() => {
      const reading = meter?.read();
      if (reading?.mustEnd) end(reading.limit);
    }, METER_EVERY_MS);
    openGate(child, run.input?.());

    const exit = await sandbox.closed;
    const durationMs = Math.round(performance.now() - from);
    const why = whyEnded();
    if (why === "aborted") run.signal?.throwIfAborted();
    const byCpu = exit.signal === "SIGXCPU" ? "cpu" : undefined;
    const limit = why === "aborted" ? undefined : (why ?? meter?.read()?.limit ?? byCpu);
    return {
      ...(exit.signal === undefined ? { exitCode: exit.code } : { signal: exit.signal }),
      ...(limit === undefined ? {} : { limit }),
      startedAtMs,
      durationMs,
      ...output.taken(),
    };
  } finally {
    clearTimeout(wall);
    clearInterval(ticks);
    run.signal?.removeEventListener("abort", abort);
  }
}

type Exit = { readonly code: number; readonly signal?: string; readonly words: string };

type Watched = {
  /** Whether the gate was reached; false when the set-up failed before. */
  readonly ready: Promise<boolean>;
  /** Settles when no process of the sandbox is left: its first process, which goes last, holds FD.life. */
  readonly closed: Promise<Exit>;
};

function watch(child: ChildProcess, kill: () => void): Watched {
  const ready = Promise.withResolvers<boolean>();
  const closed = Promise.withResolvers<Exit>();
  readable(child, FD.life)?.resume();
  readable(child, FD.ready)?.on("data", () => ready.resolve(true));
  // Writing to a sandbox that has ended is no error of ours.
  for (const stream of child.stdio) stream?.on("error", () => {});
  child.once("error", (error) => {
    ready.resolve(false);
    closed.resolve({ code: 125, words: error.message });
  });
  // A set-up that breaks can leave a part of it behind, which would never close.
  let atGate = false;
  void ready.promise.then((reached) => (atGate = reached));
  child.once("exit", () => {
    if (!atGate) kill();
  });
  child.once("close", (code, signal) => {
    ready.resolve(false);
    closed.resolve(exitOf(code, signal));
  });
  return { ready: ready.promise, closed: closed.promise };
}

function openGate(child: ChildProcess, input: Readable | undefined): void {
  child.stdin?.write("go\n");
  if (input === undefined) child.stdin?.end();
  else if (child.stdin !== null) input.pipe(child.stdin);
}

function send(child: ChildProcess, fd: number, data: Buffer): void {
  const stream = child.stdio[fd];
  if (stream !== undefined && stream !== null && "write" in stream) stream.end(data);
}

function readable(child: ChildProcess, fd: number): Readable | undefined {
  const stream = child.stdio[fd];
  return stream !== undefined && stream !== null && "read" in stream ? stream : undefined;
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/**
 * bubblewrap and the shell report a death by signal as 128 plus its number, so
 * a program that exits with such a number by itself is taken for killed too.
 */
function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  const name = signal ?? (code !== null && code > 128 ? SIGNAL_NAMES.get(code - 128) : undefined);
  if (name !== undefined) return { code: code ?? 125, signal: name, words: `ended by ${name}` };
  return { code: code ?? 125, words: `exit ${code}` };
}

/** Both streams, up to one common number of bytes. */
class Output {
  onFull: () => void = () => {};
  readonly #run: ConfinedRun;
  #parts: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  #left = SETUP_ERROR_BYTES_MAX;
  #started = false;

  constructor(run: ConfinedRun) {
    this.#run = run;
  }

  /** What came before is about the set-up and not the command's. */
  start(): void {
    this.#parts = { stdout: [], stderr: [] };
    this.#left = this.#run.outputBytes;
    this.#started = true;
  }

  take(stream: "stdout" | "stderr", data: Buffer): void {
    const part = data.subarray(0, this.#left);
    this.#left -= part.length;
    if (part.length > 0) {
      this.#parts[stream].push(part);
      if (this.#started) this.#run.onOutput?.(stream, part);
    }
    if (this.#started && part.length < data.length) this.onFull();
  }

  taken(): { readonly stdout: Buffer; readonly stderr: Buffer } {
    return { stdout: Buffer.concat(this.#parts.stdout), stderr: Buffer.concat(this.#parts.stderr) };
  }

  words(): string {
    return this.taken().stderr.toString("utf8").trim();
  }
}
