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
for query in "$@"; do
  set -- "$@" --form "query=@$query"
  shift
done
exec curl --silent --show-error --fail-with-body --retry 10 \
  --header "Authorization: Bearer ${FSL_API_TOKEN:-}" \
  --form "support=@$classes" "$@" "$server/api/classify"
