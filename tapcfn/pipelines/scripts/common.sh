# shellcheck shell=bash disable=SC2034
# What the other scripts share. They run on a laptop as they do in CI: all they are told stands in
# environment variables, and what they leave is in the folder `delivery`.
#
#   TAPCFN_BLUEPRINT  a blueprint, or a folder of templates
#   TAPCFN_STAGE      which settings; empty for a folder of templates
#   TAPCFN_SETTINGS   a settings file in place of the stage's own, if there is one for this role;
#                     {blueprint} and {stage} in it are filled in

: "${TAPCFN_STAGE:=}" "${TAPCFN_SETTINGS:=}" "${GITHUB_OUTPUT:=/dev/null}"
export DELIVERY="${DELIVERY:-delivery}"

if [[ -d .venv/bin ]]; then
  PATH="$PWD/.venv/bin:$PATH"
fi

# How tapcfn is called here.
tapcfn=(tapcfn)
if [[ -f deploy.py ]]; then
  tapcfn=(python deploy.py)
fi

# The words that name what is meant.
TAPCFN_SETTINGS="${TAPCFN_SETTINGS//\{blueprint\}/${TAPCFN_BLUEPRINT:-}}"
TAPCFN_SETTINGS="${TAPCFN_SETTINGS//\{stage\}/$TAPCFN_STAGE}"
settings=()
if [[ -n $TAPCFN_SETTINGS ]]; then
  settings=(--settings "$TAPCFN_SETTINGS")
fi
place=("${TAPCFN_BLUEPRINT:-}" "${settings[@]}")
if [[ -n $TAPCFN_STAGE ]]; then
  place=("${TAPCFN_BLUEPRINT:-}" --stage "$TAPCFN_STAGE" "${settings[@]}")
fi

# Tell later steps: NAME VALUE.
output() {
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# Where this is run, for people.
link() {
  if [[ -n ${GITHUB_RUN_ID:-} ]]; then
    printf '%s/%s/actions/runs/%s' "${GITHUB_SERVER_URL:-https://github.com}" \
      "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID"
  fi
}

# The newest run that changed, or was to change, what is deployed.
newest_run() {
  "${tapcfn[@]}" runs --json | python -c '
import json, sys
runs = [run for line in sys.stdin for run in json.loads(line).get("runs", ())]
changing = {"apply", "resume", "recover", "rollback"}
print(next((run["name"] for run in runs if run["command"] in changing), ""))
'
}

# Make the page of the run that was last; without it nothing is worse.
page() {
  "${tapcfn[@]}" report --out "$DELIVERY/report.html" >/dev/null ||
    echo "::warning::the page of the run could not be made"
}

# Run a command so that Ctrl-C and a cancelled job reach it, and return its exit code. A command in
# the background does not hear of SIGINT.
heeding() {
  local child code=0
  "$@" &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null || true' INT TERM
  wait "$child" || code=$?
  # A signal ends the wait and not the command, which still has to clear up.
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  trap - INT TERM
  return "$code"
}
