#!/usr/bin/env bash
# Lead the system on to a move, gate by gate. MOVE_UNTIL: its name. MOVE_OPTIONS: words that the
# command must have besides. Tells later steps whether there is something to take back.
set -euo pipefail
source "$(dirname "$0")/common.sh"

read -ra more <<<"${MOVE_OPTIONS:-}"
code=0
heeding "${tapcfn[@]}" apply "${place[@]}" --until "$MOVE_UNTIL" --yes --no-input --cancel-on-interrupt \
  "${more[@]}" || code=$?

output code "$code"
case $code in
0 | 2 | 4 | 6) output back false ;;
*) output back true ;;
esac
exit "$code"
