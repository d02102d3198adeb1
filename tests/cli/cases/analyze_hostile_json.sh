perftrace analyze --format=json "$DATA/hostile.log" | jq -r ".top_functions.entries[].function" | od -c | head -3
