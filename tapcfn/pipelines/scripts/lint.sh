#!/usr/bin/env bash
# Hold code and templates against their rules. SYSTEMS: `blueprint:stage` of each, with blanks between.
set -euo pipefail
source "$(dirname "$0")/common.sh"

if [[ -f Makefile ]] && grep -q '^lint:' Makefile; then
  make lint
fi
if [[ -f deploy.py ]]; then
  "${tapcfn[@]}" render --check
fi
for system in ${SYSTEMS:-}; do
  stage="${system#*:}"
  "${tapcfn[@]}" check "${system%%:*}" ${stage:+--stage "$stage"}
done
