perftrace info --sites --format=json "$DATA/quickstart.log" | jq -c ".state, .contents.spans, (.tracks | length), .sites[0]"
