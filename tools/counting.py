"""What the checks share: counting cases and saying what failed.

A check ends with one line `N passed, N failed, N skipped`; ./test adds these lines up.
"""
import os
import re
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNT = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$')


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, n=1):
        self.passed += n

    def fail(self, what):
        self.failed += 1
        print('    FAILED: ' + what, flush=True)

    def skip(self, what, n=1):
        self.skipped += n
        print('    skipped: ' + what, flush=True)

    def check(self, good, what):
        if good:
            self.ok()
        else:
            self.fail(what)

    def finish(self):
        print('%d passed, %d failed, %d skipped' % (self.passed, self.failed, self.skipped), flush=True)
        sys.exit(1 if self.failed else 0)


def last_count(text):
    """(passed, failed, skipped) from the last line of a program's output, or None."""
    lines = text.rstrip('\n').splitlines()
    m = COUNT.match(lines[-1].strip()) if lines else None
    return tuple(int(x) for x in m.groups()) if m else None


def wait_for(proc, limit):
    """Seconds of processor time of a program and of all that it has waited for; None: it still runs after limit seconds."""
    end, pause = time.monotonic() + limit, 0.0005
    while True:
        pid, status, used = os.wait4(proc.pid, os.WNOHANG)
        if pid:
            proc.returncode = os.waitstatus_to_exitcode(status)
            return used.ru_utime + used.ru_stime
        if time.monotonic() > end:
            return None
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
