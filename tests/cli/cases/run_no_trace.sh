perftrace run -- sh -c "exit 7"
echo "exit $?"
perftrace run -- sh -c "kill -9 \$\$"
echo "exit $?"
ls
