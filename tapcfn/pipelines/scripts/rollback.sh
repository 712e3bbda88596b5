#!/usr/bin/env bash
# After a deployment that failed: roll back what still runs, go on with rollbacks that are stuck, and
# deploy the last bundle that was deployed whole.
#
#   DEPLOY_CODE, DEPLOY_RUN   how the deployment ended, and the name of its run
#   DEPLOYED                  the name of the artifact that a deployment leaves when it went well
set -euo pipefail
source "$(dirname "$0")/common.sh"

# 7: its time was up, and stacks still move. To resume and to interrupt that rolls updates back.
if [[ ${DEPLOY_CODE:-1} == 7 && -n ${DEPLOY_RUN:-} ]]; then
  timeout 60 "${tapcfn[@]}" resume "$DEPLOY_RUN" --yes --no-input || true
fi

stuck() {
  "${tapcfn[@]}" recover --from-bundle "$DELIVERY/bundle" "${settings[@]}" --json --no-input | python -c '
import json, sys
for line in sys.stdin:
    told = json.loads(line)
    if told["type"] == "diagnosis" and told["cure"] == "continue":
        print(told["unit"])
'
}

failed=0
for stack in $(stuck); do
  echo "$stack: its rollback is stuck; going on with it"
  "${tapcfn[@]}" recover --from-bundle "$DELIVERY/bundle" "${settings[@]}" --stack "$stack" --execute \
    --no-input || failed=1
done

# The newest that the branch itself has left: a pull request can name an artifact as it likes.
run="$(gh api "repos/$GITHUB_REPOSITORY/actions/artifacts?name=$DEPLOYED&per_page=100" --jq \
  '[.artifacts[] | select(.expired | not)
    | select(.workflow_run.head_branch == (env.GITHUB_REF_NAME // "main"))
    | select(.workflow_run.head_repository_id == .workflow_run.repository_id)]
   | sort_by(.created_at) | last | .workflow_run.id // empty')"
if [[ -z $run ]]; then
  echo "There is no earlier deployment to go back to."
  exit "$failed"
fi

# Where `rollback` has its own bundles: then a notification says that this went back.
previous=.tapcfn/bundles/downloaded
rm -rf "$previous"
gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "$DEPLOYED" --dir "$previous"
"${tapcfn[@]}" bundle verify "$previous"
heeding "${tapcfn[@]}" apply --from-bundle "$previous" "${settings[@]}" --yes --no-input
exit "$failed"
