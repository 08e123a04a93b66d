# HARNESS_ORIGIN: file:// address of the bare repository; HARNESS_PRIVATE: 1 when fetching needs credentials.
set -euo pipefail
target="$GITHUB_WORKSPACE/$FOLDER"
mkdir -p "$target"
cd "$target"
find . -mindepth 1 -delete
git init --quiet --initial-branch=nothing
git remote add origin "$HARNESS_ORIGIN"
fetch() { git -c protocol.version=2 fetch --quiet --no-tags "$@"; }
depth=()
if [ "$DEPTH" = 0 ]; then
  fetch origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'
else
  depth=(--depth "$DEPTH")
fi
commit=$GITHUB_SHA name=$GITHUB_REF
if [ -n "$REF" ]; then
  name=$REF
  if [[ "$REF" =~ ^[0-9a-f]{40}$ ]]; then
    commit=$REF
  else
    for name in "$REF" "refs/heads/$REF" "refs/tags/$REF"; do
      commit=$(git ls-remote origin "$name" | cut -f1 | head -n1)
      [ -z "$commit" ] || break
    done
    [ -n "$commit" ] || { echo "::error::no ref $REF in the test's origin"; exit 1; }
  fi
fi
case "$name" in
  refs/heads/*)
    fetch "${depth[@]}" origin "+$commit:refs/remotes/origin/${name#refs/heads/}"
    git checkout --quiet --force -B "${name#refs/heads/}" "$commit" ;;
  refs/pull/*)
    fetch "${depth[@]}" origin "+$commit:refs/remotes/${name#refs/}"
    git checkout --quiet --force --detach "$commit" ;;
  *)
    fetch "${depth[@]}" origin "$commit"
    git checkout --quiet --force --detach "$commit" ;;
esac
if [ "$PERSIST" != true ] && [ "${HARNESS_PRIVATE:-0}" = 1 ]; then
  git remote set-url origin "$HARNESS_ORIGIN.needs-credentials"
fi
echo "commit=$commit" >> "$GITHUB_OUTPUT"
