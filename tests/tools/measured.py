#!/usr/bin/env python3
"""Run a command and write what it took. Use: measured.py FILE SECONDS COMMAND...

FILE gets one line: the exit status, seconds, and the most memory that it held (KiB). After SECONDS it is killed, and
that is the status 999. Standard streams are the command's.
"""
import resource
import subprocess
import sys
import time


def main():
    out, limit, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    began = time.monotonic()
    p = subprocess.Popen(command)
    try:
        status = p.wait(limit)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
        status = 999
    with open(out, 'w', encoding='ascii') as f:
        f.write('%d %d %d\n' % (status, time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    sys.exit(1 if status else 0)


main()
