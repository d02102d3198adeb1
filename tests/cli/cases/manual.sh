perftrace help --list | while read -r command option; do
    page=$SOURCE/docs/man/perftrace-$command.1
    if [ ! -f "$page" ]; then
        echo "no page for $command"
    elif [ -n "$option" ] && ! sed "s/\\\\-/-/g" "$page" | grep -q -e "$option\\b"; then
        echo "$command: $option is not in its page"
    elif [ -z "$option" ] && ! grep -q "perftrace-$command" "$SOURCE/docs/man/perftrace.1"; then
        echo "perftrace.1 does not name $command"
    fi
done
for page in "$SOURCE"/docs/man/perftrace-*.1; do
    sed "s/\\\\-/-/g" "$page" | sed -n "s/^.*\\(--[a-z][a-z-]*\\).*$/\\1/p" | sort -u | while read -r option; do
        command=$(basename "$page" .1)
        command=${command#perftrace-}
        [ "$option" = --help ] || perftrace help --list | grep -q -x -e "$command $option" ||
            echo "$(basename "$page") has $option, the command has not"
    done
done
echo checked
