#!/usr/bin/env bash
# Install what the repository asks for: by `make setup`, by requirements.txt, or tapcfn alone.
set -euo pipefail

if [[ -f Makefile ]] && grep -q '^setup:' Makefile; then
  make setup
elif [[ -f requirements.txt ]]; then
  python -m pip install --disable-pip-version-check --requirement requirements.txt
else
  python -m pip install --disable-pip-version-check 'tapcfn[slack]'
fi
