#!/usr/bin/env bash
# Show in which templates and parameters two commits differ; asks no AWS. BASE: the older one, else
# the first parent: in a pull request that is the branch.
set -euo pipefail
source "$(dirname "$0")/common.sh"

mkdir -p "$DELIVERY"
base="${BASE:-HEAD^1}"
work="$(mktemp -d)"
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT

git worktree add --quiet --detach "$work/base" "$base"
"${tapcfn[@]}" bundle build "${place[@]}" --out "$work/new" >/dev/null
if (cd "$work/base" && "${tapcfn[@]}" bundle build "${place[@]}" --out "$work/old") >"$work/said" 2>&1; then
  "${tapcfn[@]}" bundle diff "$work/old" "$work/new" | tee "$DELIVERY/diff.txt"
else
  echo "The branch itself cannot be rendered, so there is nothing to compare with:" |
    tee "$DELIVERY/diff.txt"
  tail -n 5 "$work/said" | tee -a "$DELIVERY/diff.txt"
fi

if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  "${tapcfn[@]}" pipeline comment --title "Templates of $TAPCFN_BLUEPRINT" --diff "$DELIVERY/diff.txt" \
    >>"$GITHUB_STEP_SUMMARY"
fi
