#!/usr/bin/env bash
# A private Lightning network of real nodes: btcd makes the chain, and three lnd
# hold channels alice — bob — carol. Loopback only; its coins are worth nothing.
#
#   scripts/lightning-regtest.sh build     builds lnd and btcd once, prints their folder
#   scripts/lightning-regtest.sh cached    prints that folder; exit 3 when they are not built
#   scripts/lightning-regtest.sh run       starts the network, stops it with Ctrl-C
#   scripts/lightning-regtest.sh start     starts it in the background, prints how to reach it
#   scripts/lightning-regtest.sh stop      stops what start started
#
# Exit codes: 0 done; 1 failed; 2 wrong use; 3 Go is missing or too old, or nothing is built.
#
# The versions are in scripts/lightning-regtest/go.mod; a change there builds anew. A
# build takes about seven minutes of one core and 3 GB in Go's caches, the first time.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module=$root/scripts/lightning-regtest
# Sub-servers of lnd that its plain build leaves out.
tags='signrpc walletrpc chainrpc invoicesrpc'

say() { printf 'lightning-regtest: %s\n' "$*" >&2; }

version=$(cat "$module/go.mod" "$module/go.sum" <(printf '%s %s' "$tags" "$(uname -sm)") | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/openagents-tests/lightning-$version
state=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/openagents-lightning-$(id -u).json

is_built() { [ -x "$cache/lnd" ] && [ -x "$cache/btcd" ]; }

go_is_new_enough() {
  command -v go >/dev/null 2>&1 || { say 'there is no Go here'; return 1; }
  local wanted have
  wanted=$(awk '$1 == "go" { print $2 }' "$module/go.mod")
  have=$(go env GOVERSION | sed 's/^go//')
  [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)" = "$wanted" ] ||
    { say "Go $have is too old; lnd needs $wanted"; return 1; }
}

build() {
  if is_built; then return; fi
  go_is_new_enough || exit 3
  mkdir -p "$cache"
  # Two builds at once would take twice as long and write the same files.
  exec 8>"$cache/lock"
  command -v flock >/dev/null 2>&1 && flock 8
  if is_built; then return; fi
  say 'building lnd and btcd, once for this version: about seven minutes of one core'
  local program
  for program in github.com/btcsuite/btcd github.com/lightningnetwork/lnd/cmd/lnd; do
    (
      cd "$module"
      GOFLAGS='' GOWORK=off nice -n 10 go build -mod=readonly -p 1 -trimpath -buildvcs=false \
        -tags "$tags" -o "$cache/building" "$program"
    )
    mv "$cache/building" "$cache/$(basename "$program")"
  done
  exec 8>&-
}

node() { "${OPENAGENTS_NODE:-$(locked_node)}" "$@"; }
locked_node() {
  local found
  for found in "$root"/node_modules/node-linux-{x64,arm64}/bin/node; do
    if [ -x "$found" ] && "$found" --version >/dev/null 2>&1; then printf '%s' "$found" && return; fi
  done
  command -v node
}

run() {
  build
  node "$root/packages/testing/src/start-lightning-network.ts" "$cache" "$@"
}

# The process that `start` began, and nothing that happens to have its number.
started_pid() {
  local pid
  [ -f "$state" ] || return 1
  pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$state" | head -1)
  [ -n "$pid" ] && grep -q start-lightning-network "/proc/$pid/cmdline" 2>/dev/null && printf '%s' "$pid"
}

start() {
  local pid
  if pid=$(started_pid); then
    say "it runs already (process $pid)"
    cat "$state"
    return
  fi
  build
  rm -f "$state"
  local log=$state.log
  setsid "${OPENAGENTS_NODE:-$(locked_node)}" "$root/packages/testing/src/start-lightning-network.ts" \
    "$cache" "$state" >"$log" 2>&1 </dev/null &
  local background=$!
  while [ ! -f "$state" ]; do
    kill -0 "$background" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.2
  done
  cat "$state"
}

stop() {
  local pid
  pid=$(started_pid) || { say 'nothing that start began is running'; rm -f "$state"; return; }
  kill -TERM "$pid"
  while [ -d "/proc/$pid" ]; do sleep 0.1; done
  rm -f "$state" "$state.log"
  say 'stopped'
}

case ${1-} in
  # Not joined by &&, which would switch errexit off inside.
  build)
    build
    printf '%s\n' "$cache"
    ;;
  cached)
    is_built || exit 3
    printf '%s\n' "$cache"
    ;;
  run) run ;;
  start) start ;;
  stop) stop ;;
  *)
    sed -n '2,12{s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
