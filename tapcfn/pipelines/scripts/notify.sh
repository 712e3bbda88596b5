#!/usr/bin/env bash
# Tell the channels how it went, and what came of going back. Never fails a deployment.
# JOB_STATUS: success, failure or cancelled. SLACK_WEBHOOK_URL: where Slack listens.
set -euo pipefail
source "$(dirname "$0")/common.sh"

words=("${place[@]}" --job "${JOB_STATUS:-success}")
if [[ -n $(link) ]]; then
  words+=(--link "$(link)")
fi
code=0
"${tapcfn[@]}" notify "${words[@]}" || code=$?
if ((code != 0)); then
  echo "::warning::nobody was told of this (exit code $code)"
fi
