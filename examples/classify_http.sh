#!/bin/sh
# Classify pictures over HTTP, with curl; prints the answer as JSON.
#
# fsl serve
# sh examples/classify_http.sh http://127.0.0.1:8000 CLASSES.zip QUERY...
#
# Set FSL_API_TOKEN if the server needs a token.
set -eu
server=$1 classes=$2
shift 2
# In quotes, a name may hold commas and semicolons, which curl takes for the end of the name.
in_quotes() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }
for query in "$@"; do
  set -- "$@" --form "query=@$(in_quotes "$query")"
  shift
done
exec curl --silent --show-error --fail-with-body --retry 10 \
  --header "Authorization: Bearer ${FSL_API_TOKEN:-}" \
  --form "support=@$(in_quotes "$classes")" "$@" "$server/api/classify"
