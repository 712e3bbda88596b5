#!/usr/bin/env bash
# Run the repository's own tests, if it has any.
set -euo pipefail
source "$(dirname "$0")/common.sh"

if [[ -f Makefile ]] && grep -q '^test:' Makefile; then
  make test
elif [[ -d tests ]]; then
  python -m pytest
else
  echo "There is no target test, and no folder tests: nothing to run."
fi
