#!/usr/bin/env bash
# Apply exactly the artifact that was approved, or nothing: a file that differs, or something that has
# been deployed since, is exit 6. DIGEST: what the plan said that the artifact's digest is.
# Tells later steps how it ended, and whether something is to be rolled back.
set -euo pipefail
source "$(dirname "$0")/common.sh"

digest="$(sha256sum <"$DELIVERY/SHA256SUMS" | cut -d ' ' -f 1)"
if [[ $digest != "${DIGEST:?}" ]] || ! (cd "$DELIVERY" && sha256sum --check --quiet SHA256SUMS); then
  echo "::error::$DELIVERY is not the artifact that was planned; nothing is deployed" >&2
  output code 6
  output rollback false
  exit 6
fi
"${tapcfn[@]}" bundle verify "$DELIVERY/bundle"

code=0
heeding "${tapcfn[@]}" apply --plan "$DELIVERY/plan.json" --from-bundle "$DELIVERY/bundle" "${settings[@]}" \
  --no-input --cancel-on-interrupt --timeout "${TAPCFN_TIMEOUT:-5h}" \
  --junit "$DELIVERY/junit.xml" --outputs-file "$DELIVERY/outputs.json" || code=$?

page
output code "$code"
output run "$(newest_run)"
# 2, 4 and 6 are told before anything is written.
case $code in
0 | 2 | 4 | 6) output rollback false ;;
*) output rollback true ;;
esac
exit "$code"
