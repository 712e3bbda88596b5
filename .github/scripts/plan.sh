#!/usr/bin/env bash
# Make the artifact that somebody approves: a bundle of the templates, and the plan for exactly these.
# Tells later steps whether there are changes, and the digest that the artifact must have.
set -euo pipefail
source "$(dirname "$0")/common.sh"

rm -rf "$DELIVERY"
mkdir -p "$DELIVERY"
"${tapcfn[@]}" bundle build "${place[@]}" --out "$DELIVERY/bundle" \
  --commit "${GITHUB_SHA:-$(git rev-parse HEAD)}" >/dev/null
code=0
heeding "${tapcfn[@]}" plan --from-bundle "$DELIVERY/bundle" "${settings[@]}" --detailed-exitcode --no-input \
  --out "$DELIVERY/plan.json" --markdown "$DELIVERY/plan.md" || code=$?

page
case $code in
0) changes=false ;;
10) changes=true ;;
*) exit "$code" ;;
esac

sums="$(cd "$DELIVERY" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)"
printf '%s\n' "$sums" >"$DELIVERY/SHA256SUMS"
output changes "$changes"
output digest "$(sha256sum <"$DELIVERY/SHA256SUMS" | cut -d ' ' -f 1)"
