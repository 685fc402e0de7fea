#!/usr/bin/env python3
"""The relay's tests again, each store a new database of one PostgreSQL server that is made for them.

Use: tests/relay/on_postgres.py PROGRAM...     the cmocka programs; some run at the same time
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.path.join(TOP, 'tests', 'tools', 'postgres')


def main():
    programs = sys.argv[1:]
    if os.environ.get('DT_PG_HOST') is None:
        os.execv(SERVER, [SERVER, 'run', sys.executable, os.path.abspath(__file__)] + programs)
    env = {k: v for k, v in os.environ.items() if not k.startswith('CMOCKA_')}
    # What a service manager hands over: the key that the registers' seeds are sealed with.
    credentials = tempfile.TemporaryDirectory()
    with open(os.path.join(credentials.name, 'sealing-key'), 'w', encoding='ascii') as f:
        f.write(os.urandom(32).hex() + '\n')
    env['CREDENTIALS_DIRECTORY'] = credentials.name

    def run(program):
        done = subprocess.run([program], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        return program, done.returncode, done.stdout.decode(errors='replace')
    passed = failed = 0
    for program, rc, text in concurrent.futures.ThreadPoolExecutor(4).map(run, programs):
        good = len(re.findall(r'^\[ +OK \]', text, re.M))
        bad = len(re.findall(r'^\[ +FAILED +\] \w+$', text, re.M))
        started = len(re.findall(r'^\[ RUN +\]', text, re.M))
        # A case that neither passed nor failed ended the program; a program without cases tests nothing.
        bad = max(bad // 2, started - good, 0 if rc == 0 and started > 0 else 1)
        passed += good
        failed += bad
        print('%s: %d passed, %d failed' % (os.path.basename(program), good, bad))
        if bad:
            print(text[-6000:])
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    sys.exit(1 if failed else 0)


main()
