// How the interpreters name the file that they start.

/** How one reads its words. */
export type Interpreter = {
  readonly name: RegExp;
  /** Options whose next word is a value and no file. */
  readonly values: ReadonlySet<string>;
  /** Options whose next word, or what stands after `=`, is a file or a module too. */
  readonly files: ReadonlySet<string>;
  /** Options whose next word is code; there is no file then. */
  readonly code: ReadonlySet<string>;
  /** Endings that a name is tried with, and files of a folder that is named. */
  readonly endings: readonly string[];
};

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

const NONE: ReadonlySet<string> = new Set();

export const SHELL = /^(?:sh|bash|dash|zsh|ksh|mksh|ash|fish|busybox)$/;
export const PYTHON = /^(?:python|pypy)[0-9.]*$/;
export const SOURCES = /^(?:[.]|source)$/;

const NODE_ENDINGS = ".js .cjs .mjs .ts .cts .mts .json /index.js /index.cjs /index.mjs /index.ts".split(" ");

export const INTERPRETERS: readonly Interpreter[] = [
  {
    name: SHELL,
    values: words("-o +o -O +O"),
    files: words("--rcfile --init-file"),
    code: words("-c"),
    endings: [],
  },
  { name: SOURCES, values: NONE, files: NONE, code: NONE, endings: [] },
  {
    name: /^(?:node|nodejs|bun|deno|tsx|ts-node|ts-node-esm|babel-node|vite-node|swc-node|zx)$/,
    values: words(
      "-C --conditions --test-reporter --test-reporter-destination --test-name-pattern --test-skip-pattern --title --input-type -P",
    ),
    files: words(
      "-r --require --import --loader --experimental-loader --preload --env-file --project --config -c --tsconfig --import-map",
    ),
    code: words("-e -p --eval --print -pe"),
    endings: NODE_ENDINGS,
  },
  {
    name: PYTHON,
    values: words("-W -X -Q --check-hash-based-pycs"),
    files: NONE,
    code: words("-c"),
    endings: ["/__main__.py"],
  },
  {
    name: /^ruby[0-9.]*$/,
    values: words("-I -C -E"),
    files: words("-r"),
    code: words("-e"),
    endings: [".rb"],
  },
  { name: /^perl[0-9.]*$/, values: words("-I"), files: NONE, code: words("-e -E"), endings: [] },
  { name: /^php[0-9.]*$/, values: words("-d -c -S -t"), files: words("-f"), code: words("-r"), endings: [] },
  {
    name: /^(?:lua(?:jit)?[0-9.]*|Rscript|julia|elixir|groovy|scala|tclsh|expect|pwsh|powershell|osascript|guile|racket|escript)$/,
    values: NONE,
    files: words("-f -File -l -r"),
    code: words("-e -c -Command"),
    endings: [],
  },
  { name: /^[gmn]?awk$|^g?sed$/, values: words("-F -v"), files: words("-f --file"), code: NONE, endings: [] },
];

function anyOf(...names: readonly string[]): RegExp {
  return new RegExp(`^(?:${names.join("|")})$`);
}

/** Compilers and the shell's own: what they are given is source, or text, and not started. */
export const QUIET = anyOf(
  "(?:.*-)?(?:gcc|g[+][+]|clang|clang[+][+]|cc|c[+][+]|c99|c89|ld|ar|as)(?:-[0-9.]+)?",
  "tcc|ranlib|strip|rustc|rustfmt|javac|kotlinc|scalac|swiftc|ghc|ocaml.*|dune|tsc|cargo|gofmt|npm|pnpm|yarn",
  "echo|printf|test|\\[|\\[\\[|grep|egrep|fgrep|rg|cat|rm|mkdir|rmdir|cp|mv|ln|ls|diff|cmp|head|tail|tee|touch|chmod",
  "wc|sort|uniq|cut|tr|stat|file|cd|pushd|popd|shift|true|false|exit|return|unset|git|curl|wget|tar|gzip|unzip|install",
);

/** What they are given is source or tests, but for their options. */
export const RUNNERS = anyOf(
  "pytest|py[.]test|nosetests|jest|vitest|mocha|ava|tap|tape|karma|cypress|playwright|rspec|phpunit|prove|ctest|tox|nox",
  "mypy|pyright|ruff|black|flake8|pylint|isort|eslint|prettier|oxlint|biome|stylelint|shellcheck",
  "esbuild|swc|babel|rollup|webpack|vite",
);

/** What runners read from the repository and run. */
export const RUNNER_FILES = words(
  "-c --config --config-file -r --require --import --loader --setupFiles --globalSetup --globalTeardown --reporter --reporters --rcfile --rootdir --preset --testRunner --environment --file -p",
);

/** What stands before a command of its own. */
export const WRAPPERS = words(
  "env command exec builtin nohup nice ionice timeout gtimeout stdbuf setsid sudo doas xargs parallel time trap eval strace ltrace valgrind cross-env cross-env-shell dotenv c8 nyc npx bunx pnpx uv uvx poetry pipenv pdm hatch rye coverage bundle xvfb-run chronic unbuffer flock watch entr caffeinate faketime start-server-and-test concurrently npm-run-all wait-on",
);
