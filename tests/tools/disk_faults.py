#!/usr/bin/env python3
"""A relay under traffic whose calls on its disk fail, again and again, while it runs, with an oracle of what it acknowledged.

Use: disk_faults.py BIN SHIM [--all] [--seed N] [--store STORE] [--only KIND], in an empty folder.

Senders, readers, a recorder and a witness are those of kill_relay.py, and so is the oracle. The relay is started once, with
the fault shim (tests/tools/faultshim.c), which is told by shared memory what is to fail: a write, sync, open, read or change
of a name or length, after so many calls, once or until the disk is well again. While that lasts whoever is refused asks
again. Then everybody is served again within some seconds, without a new start (but after a sync that failed, for which the
relay may end in order), and the log has a clear line for what was refused, and no flood of them. Every few faults the relay
is killed, and all that was acknowledged is looked for.
"""
import argparse
import errno
import mmap
import os
import random
import re
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kill_relay import QUEUES, Relay, SENDERS, World  # noqa: E402
import relay_talk as talk  # noqa: E402

KINDS = {'write': 3, 'sync': 4, 'open': 5, 'read': 7, 'file': 8}  # as faultshim.c numbers them
ON = 0xffffffff
# kind, what it fails with, how many, only calls on files
FAULTS = [
    ('write', errno.ENOSPC, 1, 1), ('write', errno.ENOSPC, ON, 1), ('write', errno.EDQUOT, ON, 1), ('write', errno.EIO, 1, 1),
    ('write', errno.EIO, ON, 1), ('write', errno.EINTR, 3, 1), ('write', errno.EINTR, 3, 0),
    ('sync', errno.EIO, 1, 1), ('sync', errno.EIO, ON, 1), ('sync', errno.ENOSPC, ON, 1), ('sync', errno.EINTR, 1, 1),
    ('open', errno.EMFILE, 1, 0), ('open', errno.EMFILE, ON, 0), ('open', errno.EIO, 1, 0), ('open', errno.EINTR, 1, 0),
    ('read', errno.EIO, 1, 1), ('read', errno.EIO, ON, 1), ('read', errno.EINTR, 3, 1),
    ('file', errno.ENOSPC, ON, 1), ('file', errno.EIO, 1, 1),
]
LINE = re.compile(r'^detente-relay: [^\x00-\x1f\x7f]{8,500}$')
FEW = 60  # lines of the log for one fault
PATIENCE = 20  # seconds for a call that comes in any case


class Control:
    """struct control of the shim"""

    def __init__(self, path):
        with open(path, 'wb') as f:
            f.write(bytes(32))
        with open(path, 'r+b') as f:
            self.memory = mmap.mmap(f.fileno(), 32)

    def put(self, at, value):
        self.memory[4 * at:4 * at + 4] = struct.pack('=I', value)

    def get(self, at):
        return struct.unpack('=I', self.memory[4 * at:4 * at + 4])[0]

    def arm(self, kind, number, skip, many, files):
        self.put(0, 0)
        for at, value in ((1, number), (2, skip), (3, many), (4, files), (5, 0), (6, 0)):
            self.put(at, value)
        self.put(0, KINDS[kind])

    def disarm(self):
        self.put(0, 0)

    def failed(self):
        return self.get(6)


class Patient(World):
    """Who is told that the disk is full, or that it cannot be done now, asks again."""
    refused = 0

    def ask(self, connection, data):
        tries = 0
        while self.wait():
            tries += 1
            answer = connection.ask(data)
            if answer is not None and answer[0] not in (503, 507):
                return answer, tries > 1
            if answer is not None:
                self.refused += 1
            time.sleep(0.005)
        return None

    def done(self):
        return sum(len(a) for a in self.acked), len(self.entries)


def log_from(at):
    with open('relay.log', 'rb') as f:
        f.seek(at)
        return f.read().decode().splitlines()


def knock(port, seconds):
    connection = talk.Connection(port, seconds)
    answer = connection.ask(b'GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    connection.close()
    return answer is not None


def one(fault, skip, relay, world, control, counts):
    """One fault, and that all goes on after it. What is wrong, or None."""
    kind, number, many, files = fault
    log_at, refused = os.path.getsize('relay.log'), world.refused
    control.arm(kind, number, skip, many, files)
    comes = kind in ('write', 'sync', 'open') and skip < 20  # by what the traffic does; on a busy machine, later

    def go_on(until, enough):
        while time.monotonic() < until and not enough():
            if kind == 'open':  # somebody new comes, too
                knock(world.port, 0.2)
            time.sleep(0.02)

    if comes:
        go_on(time.monotonic() + PATIENCE, control.failed)
    go_on(time.monotonic() + (0.3 if many == ON else 1.0), lambda: many != ON and control.failed() >= many)
    failed = control.failed()
    control.disarm()
    counts['failed'] += failed
    counts['reached'] += failed > 0
    if failed == 0 and comes:
        return 'no such call was made'
    cells, entries = world.done()
    end = time.monotonic() + 8
    while time.monotonic() < end:
        now = world.done()
        if relay.proc.poll() is not None or (now[0] >= cells + 2 * SENDERS and now[1] > entries):
            break
        time.sleep(0.01)
    # What a failed sync has left in memory cannot be known: where the store is not opened anew at once the relay ends, in order.
    if relay.proc.poll() == 3 and kind == 'sync' and log_from(log_at)[-1].endswith('start it again, nothing is lost'):
        counts['ended'] += 1
        assert relay.start(relay.env), 'does not start again'
        end = time.monotonic() + 8
        while time.monotonic() < end and (world.done()[0] < cells + 2 * SENDERS or world.done()[1] <= entries):
            time.sleep(0.01)
    if relay.proc.poll() is not None:
        return 'the relay ended with %s: %r' % (relay.proc.returncode, log_from(log_at)[-2:])
    if kind == 'open' and not knock(world.port, 8):
        return 'nobody new is let in'
    now = world.done()
    if now[0] < cells + 2 * SENDERS or now[1] <= entries:
        return 'it does not go on: %d cells and %d entries after it: %r' % (now[0] - cells, now[1] - entries, log_from(log_at)[-3:])
    if world.odd:
        return world.odd[0]
    lines = log_from(log_at)
    odd = [s for s in lines if not LINE.match(s)]
    if odd:
        return 'an odd line: %r' % odd[0]
    if len(lines) > FEW:
        return '%d lines in the log: %r' % (len(lines), lines[:3])
    # An event has so many lines at once and then one a second (src/relay/log.c): what came just before counts, too.
    if world.refused > refused and time.time() - os.path.getmtime('relay.log') > 3:
        return '%d requests were refused, and the log has no line' % (world.refused - refused)
    counts['lines'] += len(lines)
    return None


def run(args, rng):
    port = talk.free_port()
    grant = talk.make_grant(args.bin, port, args.store, ('--daily-entries', '1000000', '--append-rate', 'none'))
    relay, world = Relay(args, port), Patient(port, grant, rng)
    control = Control('control')
    env = dict(os.environ, LD_PRELOAD=args.shim, DT_FAULT_PROGRAM='detente-relay', DT_FAULT_CONTROL=os.path.abspath('control'))
    relay.env = env
    assert relay.start(env)
    connection = talk.Connection(port)
    for q in world.queues:
        assert connection.ask(q.create().replace(b'Connection: close\r\n', b''))[0] == 201
    connection.close()
    people = [threading.Thread(target=world.sender, args=(i,)) for i in range(SENDERS)]
    people += [threading.Thread(target=world.reader, args=(q,)) for q in range(QUEUES)]
    people += [threading.Thread(target=world.recorder), threading.Thread(target=world.witness, args=(args.bin,))]
    world.up.set()
    for t in people:
        t.start()
    counts = {'failed': 0, 'reached': 0, 'lines': 0, 'ended': 0}
    acts = [f for f in FAULTS if args.only in (None, f[0])]
    skips = [0, 1, 2, 3, 5, 8, 13, 40] if args.all else [None]
    acts = [(f, rng.randrange(6) if skip is None else skip) for f in acts for skip in skips]
    rng.shuffle(acts)
    wrong = 0
    judged = {}

    def judge():
        """What a killed relay has left."""
        world.up.clear()
        relay.proc.kill()
        relay.wait(10)
        assert relay.start(), 'does not start after a kill'
        judged.update(world.judge())
        relay.stop()
    try:
        for i, (fault, skip) in enumerate(acts):
            name = '%s fails %s with %s, %d calls on' % (fault[0], 'until it is well again' if fault[2] == ON else 'once',
                                                         errno.errorcode[fault[1]], skip)
            said = one(fault, skip, relay, world, control, counts)
            if said is not None:
                wrong += 1
                print('FAILED: %s: %s' % (name, said), flush=True)
            if i % 40 == 39 or relay.proc.poll() is not None:
                judge()
                assert relay.start(env), 'does not start'
                world.up.set()
        world.over = True
        for t in people:
            t.join()
        judge()
        check = subprocess.run([args.bin + '/detente-relay', 'check-config', '--store', args.store], check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert check.returncode == 0, 'the store is not sound: ' + check.stdout.decode()
        assert counts['reached'] >= len(acts) // 2, 'only %d of %d faults were met' % (counts['reached'], len(acts))
        assert args.only is not None or world.refused > 0, 'nobody was refused'
    finally:
        control.disarm()
        world.over = True
        world.up.set()
        if relay.proc.poll() is None:
            relay.proc.kill()
    if wrong == 0:
        print('ok: %d faults under traffic, of which %d met %d calls; after %d failed syncs it was started anew, and for nothing else: %d requests refused, %d lines in the log; '
              '%d messages and %d register entries acknowledged, 0 lost, 0 twice, in order, cosignatures up to size %d kept'
              % (len(acts), counts['reached'], counts['failed'], counts['ended'], world.refused, counts['lines'], judged['acknowledged'],
                 judged['entries'], judged['cosigned']))
    return wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument('bin')
    p.add_argument('shim')
    p.add_argument('--all', action='store_true')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--store', default='relay.db')
    p.add_argument('--only', choices=sorted(KINDS))
    args = p.parse_args()
    try:
        return run(args, random.Random(args.seed)) != 0
    except AssertionError as e:
        print('FAILED: %s' % e, flush=True)
        return 1


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
