#!/usr/bin/env bash
# Put each comment on the pull request: a new one once, later over the old one, which is found by its
# first line. PULL_REQUEST: its number. COMMENTS: the folder with the files.
set -euo pipefail

issue="repos/$GITHUB_REPOSITORY/issues"
for file in "${COMMENTS:-comments}"/comment.md "${COMMENTS:-comments}"/*/comment.md; do
  [[ -s $file ]] || continue
  marker="$(head -n 1 "$file")"
  old="$(MARKER="$marker" gh api --paginate "$issue/$PULL_REQUEST/comments" --jq \
    '.[] | select(.user.login == "github-actions[bot]") |
     select(.body | startswith(env.MARKER)) | .id')"
  if [[ -n $old ]]; then
    gh api --silent --method PATCH "$issue/comments/${old%%$'\n'*}" --field "body=@$file"
  else
    gh api --silent --method POST "$issue/$PULL_REQUEST/comments" --field "body=@$file"
  fi
done
