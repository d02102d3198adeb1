# The cause of a slow frame, where threads wait for each other: who was waited for, and not who worked or idled meanwhile.
frames() { # what of the slow frame, in awk: x(NAME, THREAD, FROM, MICROSECONDS) from its begin; and of the others
    awk "function x(name, tid, from, long) { printf \"%s{\\\"ph\\\":\\\"X\\\",\\\"pid\\\":1,\\\"tid\\\":%d,\\\"ts\\\":%d,\\\"dur\\\":%d,\\\"name\\\":\\\"%s\\\"}\", sep, tid, at + from, long, name; sep = \",\\n\" }
    BEGIN {
        printf \"[\"
        for (i = 0; i < 40; i++) {
            at = 1000 + i * 100000
            if (i == 31) { $1 } else { $2 }
        }
        print \"]\"
    }" >run.json
    echo '"frame" max <= 11ms' >budget
    perftrace check --budget budget run.json | grep cause:
}
echo "It works longer itself, with a worker that has long been idle:"
frames 'x("frame", 1, 0, 18000); x("physics", 1, 1000, 16000); x("idle", 2, 0, 18500)' \
       'x("frame", 1, 0, 10000); x("physics", 1, 1000, 8000); x("idle", 2, 0, 10500)'
echo "A lock; who held it went on with something else, and who waited for it was on a worker:"
frames 'x("frame", 1, 0, 18000); x("wait", 1, 1000, 16000); x("job", 2, 2000, 14500); x("load", 3, 3000, 12000); x("log", 3, 15000, 4000)' \
       'x("frame", 1, 0, 10000); x("wait", 1, 1000, 8000); x("job", 2, 2000, 1000)'
echo "The one who waited goes on before the other's span ends:"
frames 'x("frame", 1, 0, 18000); x("job", 1, 1000, 15000); x("load", 3, 1500, 15000)' \
       'x("frame", 1, 0, 10000); x("job", 1, 1000, 7000)'
echo "What a worker did otherwise, this thread does, and the worker another job:"
frames 'x("frame", 1, 0, 15000); x("physics", 1, 1000, 7000); x("wait", 1, 8000, 6000); x("audio", 2, 1000, 12500)' \
       'x("frame", 1, 0, 10000); x("wait", 1, 1000, 8000); x("physics", 2, 1000, 7000); x("audio", 2, 8000, 500)'
echo "A thread that polls is as busy as ever:"
frames 'x("frame", 1, 0, 18000); x("physics", 1, 1000, 16000); for (k = 0; k < 18; k++) x("poll", 2, k * 1000, 900)' \
       'x("frame", 1, 0, 10000); x("physics", 1, 1000, 8000); for (k = 0; k < 10; k++) x("poll", 2, k * 1000, 900)'
echo "In no span of its own, until another thread's had ended:"
frames 'x("frame", 1, 0, 18000); x("pause", 1, 0, 1000); x("render", 2, 2000, 15000)' \
       'x("frame", 1, 0, 10000); x("pause", 1, 0, 1000); x("render", 2, 2000, 7000)'
perftrace check --budget budget --format json run.json | jq -c '.findings[0].cause'
