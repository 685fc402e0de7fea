#!/usr/bin/env python3
"""Run a program on a terminal of its own and answer what it asks.

Use: terminal.py SCRIPT COMMAND...
SCRIPT has a line for each answer: what the program has to show first, a tab, what is typed then; ^C and ^D stand for the
keys. Everything that was shown goes to standard output. Exit status: the program's; 99 when it did not show what the script
waits for.
"""
import os
import pty
import select
import sys
import time


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        script = [line.rstrip('\n').split('\t', 1) for line in f if line.strip()]
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    shown, end = b'', time.time() + 120
    status = None

    def more(until):
        """Read until the text is there that is waited for; None: until the program ends."""
        nonlocal shown
        while time.time() < end:
            at = -1 if until is None else shown.find(until)
            if at >= 0:
                sys.stdout.write(shown[:at + len(until)].decode('utf-8', 'replace'))
                shown = shown[at + len(until):]
                return True
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b''
                if not data:
                    return False
                shown += data
        return False

    for wait, typed in script:
        if not more(wait.encode()):
            sys.stdout.write(shown.decode('utf-8', 'replace') + '\n[never shown: %s]\n' % wait)
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            return 99
        keys = {'^C': b'\x03', '^D': b'\x04'}.get(typed, typed.encode() + b'\n')
        os.write(fd, keys)
    more(None)
    sys.stdout.write(shown.decode('utf-8', 'replace'))
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 98


if __name__ == '__main__':
    sys.exit(main())
