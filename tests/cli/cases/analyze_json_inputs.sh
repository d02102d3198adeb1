perftrace analyze --format json "$DATA/folder" | jq -c ".same_question, .totals.inputs"
