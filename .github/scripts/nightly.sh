#!/usr/bin/env bash
# Look for drift, and for stack sets whose instances do not all run the same. Exit 10 if there is any.
set -euo pipefail
source "$(dirname "$0")/common.sh"

mkdir -p "$DELIVERY"
drift=0
heeding "${tapcfn[@]}" drift "${place[@]}" --detailed-exitcode --no-input \
  --markdown "$DELIVERY/drift.md" --junit "$DELIVERY/drift.xml" || drift=$?

skew=0
"${tapcfn[@]}" stackset skew "${place[@]}" --detailed-exitcode --no-input | tee "$DELIVERY/skew.txt" || skew=$?
if [[ -n ${GITHUB_STEP_SUMMARY:-} && -s $DELIVERY/skew.txt ]]; then
  { echo '### Stack sets' && sed 's/^/    /' "$DELIVERY/skew.txt"; } >>"$GITHUB_STEP_SUMMARY"
fi

if ((drift != 0)); then
  exit "$drift"
fi
exit "$skew"
