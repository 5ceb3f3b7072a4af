// What tools need to be told in a sandbox: that there is no network to ask, and
// where nothing is worth writing. Pure, and the same for every provider, since
// two runs that are compared must not differ in their environment.

const BY_TOOL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // The tool of the provider, never one that the module asks to be fetched.
  go: { GOTOOLCHAIN: "local", GOPROXY: "off", GOSUMDB: "off", GOENV: "off" },
  // Incremental state is of no use to a tree that is thrown away, and doubles what is written.
  cargo: { CARGO_NET_OFFLINE: "true", CARGO_INCREMENTAL: "0", CARGO_TERM_COLOR: "never" },
  // The order of sets must not make a test pass in one run and fail in the next.
  python3: {
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONNOUSERSITE: "1",
    PYTHONHASHSEED: "0",
    // A Python with a shared library knows only the place that it was built for. Not finding
    // the library there, it would take the system's, of another version, and half work.
    LD_LIBRARY_PATH: "/opt/tc/python3/lib:/opt/tc/python/lib",
  },
  npm: {
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
    npm_config_audit: "false",
    npm_config_fund: "false",
  },
};

/** Tools that come with another one, or are another name of it. */
const SAME_AS: Readonly<Record<string, string>> = {
  node: "npm",
  pnpm: "npm",
  python: "python3",
  rustc: "cargo",
};

/** The variables of a sandbox whose job asks for these tools. A tool that needs none adds none. */
export function toolchainEnv(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.assign({}, ...names.map((name) => BY_TOOL[SAME_AS[name] ?? name]));
}
