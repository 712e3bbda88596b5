#!/usr/bin/env bash
# Take moves back, one after another. MOVE_BACK_TO: the move to stand at then, or base.
set -euo pipefail
source "$(dirname "$0")/common.sh"

code=0
heeding "${tapcfn[@]}" apply "${place[@]}" --back-to "$MOVE_BACK_TO" --yes --no-input || code=$?

output code "$code"
exit "$code"
