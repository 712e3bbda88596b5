#!/usr/bin/env bash
# Plan for information, and write the comment. The change sets go at once; the exit code is the
# plan's where it is refused (1) or would lose data (4).
set -euo pipefail
source "$(dirname "$0")/common.sh"

mkdir -p "$DELIVERY"
rm -f "$DELIVERY/plan.md"
code=0
heeding "${tapcfn[@]}" plan "${place[@]}" --detailed-exitcode --no-input \
  --markdown "$DELIVERY/plan.md" || code=$?

page

words=(--title "$TAPCFN_BLUEPRINT ${TAPCFN_STAGE:+at stage $TAPCFN_STAGE}" --link "$(link)")
for file in plan.md diff.txt; do
  if [[ -s $DELIVERY/$file ]]; then
    words+=("--${file%%.*}" "$DELIVERY/$file")
  fi
done
"${tapcfn[@]}" pipeline comment "${words[@]}" --marker "tapcfn $TAPCFN_BLUEPRINT $TAPCFN_STAGE" \
  >"$DELIVERY/comment.md"

case $code in
0 | 10) ;;
*) exit "$code" ;;
esac
