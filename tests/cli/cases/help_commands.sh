for command in $(perftrace help --list | grep -v " "); do
    perftrace help $command
    echo ----
done
