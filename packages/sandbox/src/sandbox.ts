// The nouns of the sandbox: what a caller asks for and what it gets back.

/** Limits of one command; the disk's of the work folder that the commands share. */
export type SandboxLimits = {
  readonly wallMs: number;
  /** Processor time of the command and its children together. */
  readonly cpuMs: number;
  readonly memoryMib: number;
  /** Processes and threads at one time. */
  readonly pids: number;
  /** Size of the work folder, and again of /tmp. A full folder is an error inside (ENOSPC), not a limit that ends the command. */
  readonly diskMib: number;
  /** Bytes of stdout and stderr together. */
  readonly outputBytes: number;
};

/** What ended a command from outside. */
export type LimitName = "wall" | "cpu" | "memory" | "pids" | "output";

/** A folder of tools, read-only inside at `/opt/tc/<name>`, its `bin` on the path. */
export type Toolchain = { readonly name: string; readonly prefix: string };

/** A folder of the host that a run sees, read-only, at a place of its own. It is mounted, not copied. */
export type Layer = {
  /** A folder of the host. */
  readonly source: string;
  /** Absolute, inside: below /work or /opt. It covers what the tree has there. */
  readonly target: string;
  /** Folders of the layer, relative, that get an empty writable folder of the run's own on top. */
  readonly caches?: readonly string[];
};

export type RunRequest = {
  /** A folder of the host, readable by us. Its files are copied; it is never written to. */
  readonly tree: string;
  /** Each is given to `sh -c` in the work folder. They share it and run in order until one fails. */
  readonly commands: readonly string[];
  readonly limits: SandboxLimits;
  /** Their `bin` folders come first on the path, in this order. */
  readonly toolchains: readonly Toolchain[];
  readonly layers?: readonly Layer[];
  /**
   * Files that the commands leave below this folder (absolute, inside /tmp; made
   * before the first command) are read after the last one.
   */
  readonly collect?: { readonly folder: string; readonly bytesMax: number };
  /** Added to the few variables that every command gets; nothing of the host's passes. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the commands at once; the run then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onOutput?: (chunk: OutputChunk) => void;
};

export type OutputChunk = {
  readonly commandIndex: number;
  readonly stream: "stdout" | "stderr";
  readonly data: Buffer;
};

export type CommandOutcome = {
  readonly command: string;
  /** Absent when a signal ended the command. */
  readonly exitCode?: number;
  /** Such as `SIGKILL`; present when there is no exit code. */
  readonly signal?: string;
  /** The limit that was hit, also when only a child hit it and the command went on. */
  readonly limit?: LimitName;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Cut off at the limit of output. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
};

export type RunOutcome = {
  /** Of the commands that ran: the last may have failed, the others passed. */
  readonly commands: readonly CommandOutcome[];
  /**
   * By path relative to the folder; regular files only. Empty when a limit that
   * ends a run was hit, since the run's folder is gone then.
   */
  readonly collected: ReadonlyMap<string, Buffer>;
  /** More was there than may be read; nothing is in `collected` then. */
  readonly collectedTooMuch: boolean;
};

export type LimitsBy = "cgroup_v1" | "cgroup_v2" | "rlimits";

export type Sandbox = {
  /** What confines the commands, such as `bubblewrap 0.8.0`. */
  readonly sandbox: string;
  /** What holds the limits of memory and processes. */
  readonly limitsBy: LimitsBy;
  /**
   * Run commands on a copy of a tree, without network, host files, host
   * processes, or rights. An honest failure is an outcome; throws `SandboxError`
   * for a request that cannot be run, and the signal's reason when aborted.
   * Nothing of the commands is alive when the promise settles.
   */
  runCommands(request: RunRequest): Promise<RunOutcome>;
};
