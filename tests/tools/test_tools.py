"""The tools that make the tests trustworthy, tested: embedding, counting, and that a red test is seen red."""
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tools'))
from counting import Count, last_count  # noqa: E402


def run(*cmd, **kw):
    done = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    return done.returncode, done.stdout.decode('utf-8', 'replace')


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)


def embedding(count, work):
    every = bytes(range(256)) * 3
    write(work + '/a/every.bin', every)
    write(work + '/a/empty.txt', b'')
    write(work + '/b/every.bin', b'x')
    embed = TOP + '/tools/embed'
    rc, text = run(embed, 'some_files', work + '/a/every.bin', work + '/a/empty.txt', '-o', work + '/out.c')
    count.check(rc == 0, 'embed: ' + text)
    write(work + '/main.c', b'''#include "base/embed.h"
#include <stdio.h>
extern const struct dt_embedded some_files[];
extern const size_t some_files_count;
int main(void)
{
    for (size_t i = 0; i < some_files_count; i++) {
        printf("%s %zu %d\\n", some_files[i].name, some_files[i].len, some_files[i].data[some_files[i].len]);
        for (size_t j = 0; j < some_files[i].len; j++)
            printf("%02x", some_files[i].data[j]);
        printf("\\n");
    }
    return 0;
}
''')
    rc, text = run('cc', '-std=gnu17', '-Wall', '-Wextra', '-pedantic', '-Werror', '-I' + TOP + '/src',
                   work + '/main.c', work + '/out.c', '-o', work + '/main')
    count.check(rc == 0, 'what embed writes does not compile: ' + text)
    rc, text = run(work + '/main')
    count.check(text == 'every.bin 768 0\n%s\nempty.txt 0 0\n\n' % every.hex(), 'embed: the bytes differ')
    rc, _ = run(embed, 'x', work + '/a/every.bin', work + '/b/every.bin', '-o', work + '/two.c')
    count.check(rc != 0 and not os.path.exists(work + '/two.c'), 'embed: takes two files of one name')
    rc, _ = run(embed, '1x', work + '/a/every.bin', '-o', work + '/two.c')
    count.check(rc != 0, 'embed: takes a name that is no identifier')
    rc, _ = run(embed, 'x', work + '/a/none', '-o', work + '/two.c')
    count.check(rc != 0 and not os.path.exists(work + '/two.c'), 'embed: takes a missing file')


def lines(count):
    count.check(last_count('x\n3 passed, 0 failed, 1 skipped\n') == (3, 0, 1), 'a count is not read')
    count.check(last_count('3 passed, 0 failed, 1 skipped\nmore\n') is None, 'a count before the end is taken')
    count.check(last_count('3 passed, 0 failed\n') is None, 'half a count is taken')
    count.check(last_count('') is None, 'nothing is taken for a count')


SUITE_MESON = b'''project('t', 'c')
cmocka = dependency('cmocka')
test('mixed', executable('mixed', 'mixed.c', dependencies: cmocka), suite: 's')
test('crash', executable('crash', 'crash.c', dependencies: cmocka), suite: 's')
test('after', executable('after', 'after.c', dependencies: cmocka), suite: 's')
test('empty', executable('empty', 'empty.c', dependencies: cmocka), suite: 's')
test('setup', executable('setup', 'setup.c', dependencies: cmocka), suite: 's')
test('slow', executable('slow', 'slow.c', dependencies: cmocka), suite: 's', timeout: 1)
test('line', find_program('line.sh'), suite: 's')
test('silent', find_program('silent.sh'), suite: 's')
'''
HEAD = b'''#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
static void good(void **s) { (void)s; }
static void bad(void **s) { (void)s; assert_string_equal("<a & b>", "]]> \\x01"); }
static void left(void **s) { (void)s; skip(); }
static void stop(void **s) { (void)s; _exit(0); }
static void die(void **s) { (void)s; raise_it(); }
static int no(void **s) { (void)s; return -1; }
static void wait_long(void **s) { (void)s; sleep(30); }
'''.replace(b'raise_it();', b'kill(getpid(), 9);').replace(b'#include <stdlib.h>', b'#include <signal.h>\n#include <stdlib.h>')
MAIN = b'''int main(void)
{
    const struct CMUnitTest tests[] = {%s};
    const struct CMUnitTest more[] = {cmocka_unit_test(good)};
    (void)good; (void)bad; (void)left; (void)stop; (void)die; (void)wait_long; (void)more; (void)no;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    %s
}
'''


def suites(count, work):
    """run-suites on programs that pass, fail, skip, crash, hang, run nothing, and leave with an error."""
    def program(name, cases, end=b'return rc;'):
        body = b', '.join(b'cmocka_unit_test(%s)' % c for c in cases)
        write('%s/t/%s.c' % (work, name), HEAD + MAIN % (body, end))

    write(work + '/t/meson.build', SUITE_MESON)
    program('mixed', [b'good', b'bad', b'left', b'good'], b'return rc + cmocka_run_group_tests(more, NULL, NULL);')
    program('crash', [b'good', b'die'])
    program('after', [b'good'], b'return rc + 3;')
    program('empty', [b'good', b'stop'])
    program('setup', [b'good'], b'return rc + cmocka_run_group_tests(more, no, NULL);')
    program('slow', [b'good', b'wait_long'])
    write(work + '/t/line.sh', b'#!/bin/sh\necho 5 passed, 0 failed, 2 skipped\n')
    write(work + '/t/silent.sh', b'#!/bin/sh\nexit 1\n')
    for name in ('line.sh', 'silent.sh'):
        os.chmod(work + '/t/' + name, 0o755)
    rc, text = run('meson', 'setup', work + '/t/b', work + '/t', env=dict(os.environ, CC='cc'))
    count.check(rc == 0, 'meson: ' + text)
    rc, text = run('ninja', '-C', work + '/t/b')
    count.check(rc == 0, 'ninja: ' + text)
    rc, text = run(TOP + '/tools/run-suites', work + '/t/b')
    got = {m[0]: tuple(int(x) for x in m[1:]) for m in re.findall(
        r'^ +(?:ok|FAILED) +s/(\w+) +(\d+) passed +(\d+) failed +(\d+) skipped', text, re.M)}
    want = {'mixed': (3, 1, 1), 'crash': (0, 1, 0), 'after': (1, 1, 0), 'slow': (0, 1, 0), 'setup': (1, 1, 0),
            'line': (5, 0, 2), 'silent': (0, 1, 0)}
    for name, n in want.items():
        count.check(got.get(name) == n, 'run-suites: %s: %s, expected %s\n%s' % (name, got.get(name), n, text))
    # A program that stops in the middle with status 0 leaves no XML: it must not look complete.
    count.check(got.get('empty') == (0, 1, 0), 'run-suites: a cmocka program without XML counts as %s'
                % (got.get('empty'),))
    count.check(rc == 1, 'run-suites: exit status %d with failures' % rc)
    told = re.findall(r'^ +(?:ok|FAILED) +s/\w+ .* s, +\d+\.\d s of processor time$', text, re.M)
    count.check(len(told) == len(got) == 8, 'run-suites: processor time of %d programs\n%s' % (len(told), text))


SCENARIO = b"""
. "$DT_TOP/tests/e2e/lib.sh"
check 'true is true' true
check 'false is not' false
check_status 'a status' 3 bash -c 'exit 3'
check_status 'a sanitizer report is no pass' 1 bash -c 'echo "x.c:1: runtime error: y" >&2; exit 1'
echo same >a; echo same >b; echo other >c
check_same 'the same' a b
check_same 'not the same' a c
check_line 'a line' '^sa' a
check_no_line 'no line' '^sa' c
check_no_line 'no file' '^sa' none
start_daemon quiet sleep 60
start_daemon deaf bash -c 'trap "" TERM; while :; do sleep 1; done'
check 'a program in the background lives' daemon_alive quiet
read -r pid _ <run/quiet.pid
read -r deaf _ <run/deaf.pid
echo "$pid 1" >run/other.pid
check_status 'another program under the same id is not taken for ours' 1 daemon_alive other
sleep 0.3
stop_daemons
check_status 'it is stopped' 1 kill -0 "$pid"
check_status 'one that does not listen is stopped too' 1 kill -0 "$deaf"
again() { start_daemon "$1" sleep 60; }
keep_pause=2
again kept
keep_daemons again kept >said
read -r pid _ <run/kept.pid
check 'one that lives is let be' kill -0 "$pid"
kill -KILL "$pid"
sleep 0.3
keep_daemons again kept >>said
check_status 'what has ended is started again' 1 daemon_alive kept
sleep 2.2
keep_daemons again kept >>said
check 'a while later' daemon_alive kept
check_line 'as is said' 'kept has ended' said
stop_daemons
skip 'nothing'
scenario_end
"""


def scenarios(count, work):
    """The functions of the scenarios pass, fail and clean up as they say."""
    write(work + '/s/01-x.sh', SCENARIO)
    os.makedirs(work + '/s/w')
    rc, text = run('bash', work + '/s/01-x.sh', cwd=work + '/s',
                   env=dict(os.environ, DT_TOP=TOP, DT_BIN=work, DT_WORK=work + '/s/w'))
    count.check(last_count(text) == (13, 4, 1) and rc == 1, 'scenario functions: exit status %d\n%s' % (rc, text))


def main():
    count = Count()
    with tempfile.TemporaryDirectory(prefix='detente-tools-') as work:
        embedding(count, work)
        lines(count)
        suites(count, work)
        scenarios(count, work)
    count.finish()


main()
