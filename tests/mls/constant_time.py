#!/usr/bin/env python3
"""Run constant_time under valgrind, a suite at a time, and see that it finds a branch on a secret.

Use: constant_time.py PROGRAM SUPPRESSIONS
Ends with `N passed, N failed, N skipped`. The build registers it where valgrind is.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools'))
from counting import Count  # noqa: E402

program, suppressions = sys.argv[1:3]
count = Count()
SUITES = ['1', '3', '4', '6']
FOUND = 99


def run(arg):
    return subprocess.run(['valgrind', '-q', '--error-exitcode=%d' % FOUND, '--suppressions=' + suppressions,
                           program, arg], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)


for suite in SUITES:
    done = run(suite)
    count.check(done.returncode == 0 and 'went through' in done.stdout,
                'suite %s: something depends on a secret:\n%s' % (suite, done.stdout[:6000]))
done = run('leak')
count.check(done.returncode == FOUND and 'uninitialised value' in done.stdout,
            'a branch on a secret is not found:\n%s' % done.stdout[:2000])
count.finish()
