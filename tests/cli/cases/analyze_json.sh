perftrace analyze --format json "$DATA/quickstart.log" >report.json
jq . report.json
