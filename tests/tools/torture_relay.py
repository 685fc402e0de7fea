#!/usr/bin/env python3
"""Make the n-th call of a relay fail while it serves, n rising, with an oracle of what it acknowledged.

Use: torture_relay.py BIN SHIM [--each N | --all] [--seed N], in an empty folder. A relay is started with the fault shim
for each place; a client of our own creates queues, appends, reads, polls, appends register entries and cosigns. Then
the relay is killed and served anew without a fault: all that was answered 200 or 201 is there, once, in one order, and
nothing else but what was sent and not answered; the register's tree holds; the store is sound; it goes on.
"""
import argparse
import base64
import errno
import http.client
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawhttp import vector as vec  # noqa: E402
from relay_talk import cells_of, entries_of, free_port, make_grant, sha, tree  # noqa: E402

FAULTS = [
    ('alloc', 'once', 0), ('alloc', 'on', 0),
    ('random', 'once', errno.EIO),
    ('write', 'once', errno.EIO), ('write', 'on', errno.ENOSPC), ('write', 'short', 0), ('write', 'once', errno.EINTR),
    ('sync', 'once', errno.EIO), ('sync', 'on', errno.EIO),
    ('open', 'once', errno.EMFILE), ('open', 'on', errno.EMFILE),
    ('read', 'once', errno.EIO), ('read', 'on', errno.EIO), ('read', 'short', 0), ('read', 'once', errno.ECONNRESET),
    ('file', 'once', errno.ENOSPC),
]
LINE = re.compile(r'^detente-relay: [^\x00-\x1f\x7f]{8,500}$')


class Relay:
    def __init__(self, args, port):
        self.args = args
        self.port = port
        self.proc = None
        self.silent = 0  # calls in a row that nobody answered

    def start(self, env=None):
        self.log = open('relay.log', 'wb')
        self.proc = subprocess.Popen([self.args.bin + '/detente-relay', 'serve', '--store', 'relay.db', '--listen',
                                      '127.0.0.1:%d' % self.port], env=env, stdin=subprocess.DEVNULL,
                                     stdout=self.log, stderr=self.log)
        for _ in range(400):
            if self.proc.poll() is not None:
                return False
            if b'started, port' in open('relay.log', 'rb').read():
                return True
            time.sleep(0.01)
        return False

    def stop(self, sig=signal.SIGTERM):
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
        try:
            rc = self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            rc = 'hangs'
        self.log.close()
        return rc

    def call(self, method, path, body=b'', bearer=None):
        """(status, body); (None, b'') when there was no answer."""
        if self.silent >= 2:
            return None, b''
        headers = {}
        if bearer:
            headers['Authorization'] = 'Bearer ' + bearer.hex()
        if method == 'POST':
            headers['Content-Type'] = 'application/octet-stream'
        try:
            c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=2)
            c.request(method, path, body if method == 'POST' else None, headers)
            r = c.getresponse()
            data = r.read()
            c.close()
            self.silent = 0
            return r.status, data
        except (OSError, http.client.HTTPException):
            self.silent += 1
            return None, b''


class World:
    """What was sent, and what of it was acknowledged."""
    def __init__(self, relay, grant, rng):
        self.relay, self.grant, self.rng = relay, grant, rng
        self.queues = {}    # address -> (read, write, sent {append id: cell}, acknowledged {append id: position})
        self.made = set()   # addresses acknowledged
        self.seals = set()
        self.entries = {}   # seal -> index acknowledged
        self.size = 0       # of the largest checkpoint that was given out
        self.notes = {}
        self.statuses = []
        self.cosigned = 0   # the largest size whose cosignature was acknowledged
        self.witness_state = 'a.state'
        for f in os.listdir('.'):
            if f.startswith(self.witness_state):
                os.unlink(f)

    def told(self, status):
        self.statuses.append(status)
        return status in (200, 201)

    def create(self):
        read, write = self.rng.randbytes(32), self.rng.randbytes(32)
        address = sha(vec(b'detente 1 queue') + sha(read) + sha(write))
        self.queues[address] = (read, write, {}, {})
        s, b = self.relay.call('POST', '/v1/queues', bytes.fromhex(self.grant['queue_token']) + sha(read) + sha(write))
        if self.told(s):
            assert b == address, 'another address'
            self.made.add(address)
        return address

    def append(self, address, cell=None):
        read, write, sent, acked = self.queues[address]
        append_id, cell = self.rng.randbytes(16), cell or self.rng.randbytes(512)
        sent[append_id] = cell
        for _ in range(2):  # a client that got no 200 tries once more with the same id
            s, b = self.relay.call('POST', '/v1/queues/%s/cells' % address.hex(), append_id + vec(cell), write)
            if self.told(s):
                acked[append_id] = struct.unpack('>Q', b)[0]
                return

    def entry(self):
        seal = self.rng.randbytes(32)
        self.seals.add(seal)
        for _ in range(2):
            s, b = self.relay.call('POST', self.grant['register']['prefix'] + 'append', b'\1' + seal,
                                   bytes.fromhex(self.grant['append_key']))
            if self.told(s):
                self.entries[seal] = struct.unpack('>Q', b)[0]
                return

    def items(self, address):
        out = {}
        while True:
            s, b = self.relay.call('GET', '/v1/queues/%s/cells?after=%d' % (address.hex(), len(out)), b'',
                                   self.queues[address][0])
            if not self.told(s):
                return None
            last, items = cells_of(b)
            for position, append_id, cell in items:
                assert position == len(out) + 1, 'a gap'
                out[position] = (append_id, cell)
            if len(out) >= last:
                return out

    def checkpoint(self):
        s, b = self.relay.call('GET', self.grant['register']['prefix'] + 'checkpoint.held')
        if not self.told(s):
            return
        lines = b.decode().split('\n')
        size, root = int(lines[1]), lines[2]
        if self.notes.setdefault(size, root) != root:
            raise AssertionError('two roots for size %d' % size)
        self.size = max(self.size, size)

    def work(self):
        queues = [self.create() for _ in range(2)]
        for a in queues:
            for _ in range(3):
                self.append(a)
        for _ in range(3):
            self.entry()
        self.checkpoint()
        self.cosign()
        for a in queues:
            self.items_are_ours(a, False)
        self.relay.call('POST', '/v1/poll?wait=0', vec(queues[0] + self.queues[queues[0]][0] + struct.pack('>Q', 0)))
        self.append(queues[0], self.rng.randbytes(65536))
        s, _ = self.relay.call('GET', '/v1/health')
        self.told(s)

    def cosign(self):
        """A real witness cosigns what is held; what it says that it handed in is acknowledged."""
        run = subprocess.run([self.relay.args.bin + '/detente', 'witness', 'run', '--once', '--key', 'a.witness',
                              '--state', self.witness_state, '--register', 'http://127.0.0.1:%d%s' % (
                                  self.relay.port, self.grant['register']['prefix'].rstrip('/')),
                              '--vkey', self.grant['register']['vkey']],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        said = re.findall(r'cosigned size (\d+)', run.stdout.decode())
        if run.returncode == 0 and said:
            self.cosigned = max(self.cosigned, int(said[-1]))
        self.statuses.append(200 if run.returncode == 0 else 503)
        return run

    def check_cosigned(self):
        if self.cosigned == 0:
            return
        key_id = next(w['vkey'] for w in self.grant['witnesses'] if w['group'] == 'a').split('+')[1]
        s, b = self.relay.call('GET', self.grant['register']['prefix'] + 'checkpoint?by=' + key_id)
        assert s == 200 and int(b.split(b'\n')[1]) >= self.cosigned, 'an acknowledged cosignature is missing: %s %r' % (s, b)

    def items_are_ours(self, address, whole):
        """The answer, checked against what was sent; with ${whole} all that was acknowledged is in it."""
        read, write, sent, acked = self.queues[address]
        got = self.items(address)
        if got is None:
            if whole and address in self.made:
                raise AssertionError('an acknowledged queue cannot be read')
            return
        ids = [append_id for append_id, _ in got.values()]
        assert len(set(ids)) == len(ids), 'a cell twice'
        for position, (append_id, cell) in got.items():
            assert sent.get(append_id) == cell, 'a cell that nobody sent'
            assert acked.get(append_id, position) == position, 'an acknowledged cell at another place'
        missing = [i for i in acked if i not in ids]
        assert not missing, '%d acknowledged cells are missing' % len(missing)

    def check_register(self):
        s, b = self.relay.call('GET', self.grant['register']['prefix'] + 'checkpoint.held')
        assert s == 200, 'no checkpoint'
        lines = b.decode().split('\n')
        size, root = int(lines[1]), lines[2]
        assert size >= self.size, 'the register shrank from %d to %d' % (self.size, size)
        assert self.notes.get(size, root) == root, 'another root than before'
        s, b = self.relay.call('GET', self.grant['register']['prefix'] + 'tile/entries/000.p/%d' % size)
        assert s == 200 or size == 0, 'no entries'
        entries = entries_of(b) if size else []
        assert len(entries) == size and len(set(entries)) == size, 'not the entries of the checkpoint'
        assert base64.b64encode(tree(entries)).decode() == root, 'the entries are not those of the checkpoint'
        for seal, index in self.entries.items():
            assert index < size and entries[index] == b'\1' + seal, 'an acknowledged entry is missing'
        for e in entries:
            assert e[1:] in self.seals, 'an entry that nobody sent'


def main():
    p = argparse.ArgumentParser()
    p.add_argument('bin')
    p.add_argument('shim')
    p.add_argument('--each', type=int)
    p.add_argument('--all', action='store_true')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--only')
    args = p.parse_args()
    if args.all:
        args.each = None
    rng = random.Random(args.seed)
    port = free_port()
    grant = make_grant(args.bin, port, 'pristine.db')
    wrong = 0
    totals = {}

    def fresh():
        for f in os.listdir('.'):
            if f.startswith('relay.db'):
                os.unlink(f)
        shutil.copy('pristine.db', 'relay.db')
        shutil.copy('pristine.db.sealing-key', 'relay.db.sealing-key')

    def env_of(kind, how, number, n):
        env = dict(os.environ, LD_PRELOAD=args.shim, DT_FAULT_PROGRAM='detente-relay', DT_FAULT_KIND=kind,
                   DT_FAULT_ARM_FILE=os.path.abspath('armed'))
        if n is None:
            env['DT_FAULT_COUNT_FILE'] = os.path.abspath('fault-count')
        else:
            env['DT_FAULT_AT'] = str(n)
        if number:
            env['DT_FAULT_ERRNO'] = str(number)
        if how in ('on', 'short'):
            env['DT_FAULT_' + how.upper()] = '1'
        return env

    def arm(on):
        if on:
            open('armed', 'w').close()
        elif os.path.exists('armed'):
            os.unlink('armed')

    def begin(env, serving):
        """A relay that is counted while it starts, or while it serves."""
        fresh()
        arm(not serving)
        relay = Relay(args, port)
        started = relay.start(env)
        arm(serving)
        return relay, started

    def count(kind, serving):
        relay, started = begin(env_of(kind, 'once', 0, None), serving)
        assert started, 'does not start'
        if serving:
            World(relay, grant, rng).work()
        arm(False)
        relay.stop()
        return int(open('fault-count').read())

    def with_fault(w, started):
        relay = w.relay
        if not started:
            rc = relay.stop()
            log = open('relay.log').read().splitlines()
            assert rc == 3, 'did not start, exit status %s: %s' % (rc, log)
            assert len(log) == 1 and LINE.match(log[0]), 'not one clear line: %r' % log
            return
        w.work()
        arm(False)  # what failed works again: the relay has to go on, without a new start
        relay.silent = 0
        after = len(w.statuses)
        for a in list(w.made)[:1] or [w.create()]:
            w.append(a)
        w.entry()
        assert w.statuses[after:].count(200) >= 2, 'does not go on when the fault is over: %s, %r' % (
            w.statuses[after:], open('relay.log').read()[-600:])
        w.checkpoint()
        rc = relay.stop(rng.choice([signal.SIGKILL, signal.SIGTERM]))
        assert rc in (0, -signal.SIGKILL), 'ended with %s' % rc
        for line in open('relay.log').read().splitlines():
            assert LINE.match(line), 'an odd line: %r' % line

    def without_fault(w):
        arm(False)
        w.relay.silent = 0
        assert w.relay.start(), 'does not start again: ' + open('relay.log').read()
        for a in w.queues:
            w.items_are_ours(a, True)
        w.check_register()
        w.check_cosigned()
        run = w.cosign()
        assert run.returncode == 0, 'the witness does not go on: %r' % run.stdout
        w.append(w.create())
        w.entry()
        w.check_register()
        w.relay.stop()
        check = subprocess.run([args.bin + '/detente-relay', 'check-config', '--store', 'relay.db'], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        assert check.returncode == 0, 'the store is not sound: ' + check.stdout.decode()

    def one(env, serving):
        """A run with a fault, then one without. Returns whether anything was refused."""
        relay, started = begin(env, serving)
        w = World(relay, grant, rng)
        try:
            with_fault(w, started)
            without_fault(w)
        finally:
            if relay.proc.poll() is None:
                relay.stop(signal.SIGKILL)
        return not started or any(s is None or s >= 500 for s in w.statuses)

    for kind, how, number in FAULTS:
        if args.only and kind != args.only:
            continue
        name = '%s fails (%s, %s)' % (kind, how, errno.errorcode.get(number, '-'))
        for serving in (True, False):
            if (kind, serving) not in totals:
                totals[(kind, serving)] = count(kind, serving)
            total = totals[(kind, serving)]
            places = range(1, total + 1)
            if args.each is not None and total > args.each:
                step = total / args.each
                places = sorted({min(total, 1 + int(i * step + rng.random() * step)) for i in range(args.each)})
            refused = bad = 0
            for n in places:
                try:
                    refused += one(env_of(kind, how, number, n), serving)
                except AssertionError as e:
                    bad += 1
                    print('FAILED: the relay, %s, %s %d of %d: %s' % (
                        'serving' if serving else 'starting', name, n, total, e))
                    sys.stdout.flush()
            wrong += bad
            if not bad and places:
                print('ok: the relay, %s, %s: %d of %d places, %d with a refusal, nothing acknowledged is lost' % (
                    'serving' if serving else 'starting', name, len(places), total, refused))
            sys.stdout.flush()
    sys.exit(wrong != 0)


main()
