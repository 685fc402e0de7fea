#!/usr/bin/env python3
"""Kill a relay again and again under load, on one store, with an oracle of every acknowledged message.

Use: kill_relay.py BIN SHIM --cycles N [--places FILE] [--seed N] [--store STORE] [--check-each N], in an empty folder.

Sixteen senders write to four queues, one at a time each; four readers follow the queues; one sender appends to the
register, and a witness cosigns it. In each cycle the relay is started under the kill shim (tests/tools/killshim.c) and
killed at a call drawn by the seed: of its start, of a transaction, between the sync and the answer. Whoever had no answer
asks again with the same append id from the next relay. Then, at every Nth cycle and at the end: each acknowledged message
is there, once, at the position that was acknowledged, and those of one sender are in the order in which he sent them;
nothing was shown to a reader and then withdrawn; there is nothing that nobody sent; the register has each acknowledged
entry at its index, its tree has the root that was signed, no size was ever given out with two roots, and it was never
smaller than before; acknowledged cosignatures are there.
"""
import argparse
import base64
import hashlib
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawhttp import Queue  # noqa: E402
import relay_talk as talk  # noqa: E402

SENDERS, QUEUES = 16, 4
HOWS = ('half', 'after', 'half', 'after', 'before')
EARLY = 60  # calls of a start, and of what follows it at once: every fourth kill is among these


class World:
    """What was sent, what was acknowledged, what was shown."""

    def __init__(self, port, grant, rng):
        self.port, self.grant, self.rng = port, grant, rng
        self.up = threading.Event()
        self.over = False
        self.queues = [Queue(grant['queue_token']) for _ in range(QUEUES)]
        self.sent = [{} for _ in range(QUEUES)]   # append id -> (sender, number, cell's hash)
        self.acked = [{} for _ in range(QUEUES)]  # append id -> position
        self.shown = [[] for _ in range(QUEUES)]  # append id at each position that a reader saw, in order
        self.seals, self.entries = set(), {}      # seal -> index
        self.roots, self.size = {}, 0
        self.cosigned = 0                         # the largest size whose cosignature was acknowledged
        self.again = 0                            # messages that were acknowledged at a second or later try
        self.odd = []                             # what ought not to happen

    def wait(self):
        """Until a relay is there. False when it is all over."""
        while not self.over:
            if self.up.wait(0.2):
                return True
        return False

    def ask(self, connection, data):
        """Until somebody answers; None when it is all over. The answer, and whether it was asked more than once."""
        tries = 0
        while self.wait():
            tries += 1
            answer = connection.ask(data)
            if answer is not None and answer[0] != 503:
                return answer, tries > 1
            time.sleep(0.002)
        return None

    def sender(self, number):
        connection, q, n = talk.Connection(self.port), number % QUEUES, 0
        rng = random.Random(self.rng.random())
        while not self.over:
            append_id = rng.randbytes(16)
            cell = rng.randbytes(512 if rng.random() < 0.9 else rng.choice((1024, 4096, 65536)))
            self.sent[q][append_id] = (number, n, hashlib.sha256(cell).digest())
            got = self.ask(connection, talk.append_request(self.queues[q], append_id, cell))
            if got is None:
                return
            (status, body), again = got
            if status != 200:
                self.odd.append('an append was answered %d %r' % (status, body[:80]))
                return
            self.acked[q][append_id] = struct.unpack('>Q', body)[0]
            self.again += again
            n += 1

    def reader(self, q):
        connection = talk.Connection(self.port)
        while not self.over:
            got = self.ask(connection, talk.read_request(self.queues[q], len(self.shown[q])))
            if got is None:
                return
            (status, body), _ = got
            if status != 200:
                self.odd.append('a read was answered %d %r' % (status, body[:80]))
                return
            for position, append_id, _ in talk.cells_of(body)[1]:
                if position != len(self.shown[q]) + 1:
                    self.odd.append('a reader saw position %d after %d' % (position, len(self.shown[q])))
                self.shown[q].append(append_id)
            time.sleep(0.01)

    def recorder(self):
        connection = talk.Connection(self.port)
        while not self.over:
            seal = self.rng.randbytes(32)
            self.seals.add(seal)
            got = self.ask(connection, talk.entry_request(self.grant, seal))
            if got is None:
                return
            (status, body), _ = got
            if status != 200:
                self.odd.append('an entry was answered %d %r' % (status, body[:80]))
                return
            self.entries[seal] = struct.unpack('>Q', body)[0]
            got = self.ask(connection, talk.get_request(self.grant, 'checkpoint.held'))
            if got is not None:
                self.checkpoint(got[0])
            time.sleep(0.02)

    def witness(self, bin_dir):
        """Cosigns what is held, again and again; what it says that it handed in is acknowledged."""
        command = [bin_dir + '/detente', 'witness', 'run', '--once', '--key', 'a.witness', '--state', 'a.state', '--register',
                   'http://127.0.0.1:%d%s' % (self.port, self.grant['register']['prefix'].rstrip('/')), '--vkey',
                   self.grant['register']['vkey']]
        while self.wait():
            run = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=60)
            said = re.findall(r'cosigned size (\d+)', run.stdout.decode())
            if run.returncode == 0 and said:
                self.cosigned = max(self.cosigned, int(said[-1]))
            elif run.returncode not in (0, 3):  # 0: no entry came since the last one
                self.odd.append('the witness ended with %d: %r' % (run.returncode, run.stdout[-300:]))
                return
            time.sleep(0.1)

    def checkpoint(self, answer):
        assert answer[0] == 200, 'no checkpoint'
        lines = answer[1].split(b'\n')
        size, root = int(lines[1]), lines[2]
        if self.roots.setdefault(size, root) != root:
            self.odd.append('two roots for size %d' % size)
        if size < self.size:
            self.odd.append('the register shrank from %d to %d' % (self.size, size))
        self.size = max(size, self.size)
        return size, root

    # ---- the oracle, while nobody else writes ----

    def judge_queue(self, connection, q, counts):
        found, last, n = {}, 1, 0
        order = {}
        while n < last:
            answer = connection.ask(talk.read_request(self.queues[q], n))
            assert answer is not None and answer[0] == 200, 'queue %d cannot be read' % q
            last, items = talk.cells_of(answer[1])
            assert items or n >= last, 'queue %d ends at %d of %d' % (q, n, last)
            for position, append_id, cell in items:
                n += 1
                assert position == n, 'queue %d: position %d after %d' % (q, position, n - 1)
                assert append_id not in found, 'queue %d: a message twice, at %d and %d' % (q, found[append_id], position)
                assert append_id in self.sent[q], 'queue %d: a message that nobody sent' % q
                sender, number, digest = self.sent[q][append_id]
                assert hashlib.sha256(cell).digest() == digest, 'queue %d: other bytes than were sent' % q
                assert order.get(sender, -1) < number, 'queue %d: not in the order of its sender' % q
                order[sender] = number
                found[append_id] = position
                assert n > len(self.shown[q]) or self.shown[q][n - 1] == append_id, 'queue %d: shown, and another now' % q
        assert n >= len(self.shown[q]), 'queue %d: %d were shown, and %d are there' % (q, len(self.shown[q]), n)
        for append_id, position in self.acked[q].items():
            assert found.get(append_id) == position, 'queue %d: acknowledged at %d, and now at %s' % (
                q, position, found.get(append_id))
        counts['acknowledged'] += len(self.acked[q])
        counts['stored'] += n

    def judge_register(self, connection, counts):
        size, root = self.checkpoint(connection.ask(talk.get_request(self.grant, 'checkpoint.held')))
        entries = []
        for i in range((size + 255) // 256):
            w = min(256, size - 256 * i)
            answer = connection.ask(talk.get_request(self.grant, 'tile/entries/%s%s' % (
                talk.tile_path(i), '' if w == 256 else '.p/%d' % w)))
            assert answer is not None and answer[0] == 200, 'entries %d are missing' % i
            entries += talk.entries_of(answer[1])
        assert len(entries) == size == len(set(entries)), 'not the entries of the checkpoint, or one twice'
        assert base64.b64encode(talk.tree(entries)) == root, 'the entries do not have the root that was signed'
        for seal, index in self.entries.items():
            assert index < size and entries[index] == b'\1' + seal, 'an acknowledged entry is not at its index'
        assert all(e[1:] in self.seals for e in entries), 'an entry that nobody sent'
        counts['entries'] = len(self.entries)
        cosigned = self.cosigned
        if cosigned:
            key_id = self.grant['witnesses'][0]['vkey'].split('+')[1]
            status, note = connection.ask(talk.get_request(self.grant, 'checkpoint?by=' + key_id))
            assert status == 200 and int(note.split(b'\n')[1]) >= cosigned, 'an acknowledged cosignature is missing'
        counts['cosigned'] = cosigned

    def judge(self):
        counts = {'acknowledged': 0, 'stored': 0}
        connection = talk.Connection(self.port, 30)
        assert not self.odd, self.odd[:3]
        for q in range(QUEUES):
            self.judge_queue(connection, q, counts)
        self.judge_register(connection, counts)
        connection.close()
        return counts


class Relay:
    def __init__(self, args, port):
        self.args, self.port = args, port
        self.command = [args.bin + '/detente-relay', 'serve', '--store', args.store, '--listen', '127.0.0.1:%d' % port,
                        '--wal', '64K']  # the -wal is moved again and again

    def start(self, env=None):
        """False when it was killed before it served."""
        self.log = open('relay.log', 'ab')
        self.proc = subprocess.Popen(self.command, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.proc.poll() is not None:
                return False
            try:
                socket.create_connection(('127.0.0.1', self.port), 5).close()
                return True
            except OSError:
                time.sleep(0.003)
        raise AssertionError('the relay does not start')

    def wait(self, seconds):
        try:
            return self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.log.close()

    def said(self, text):
        with open('relay.log', encoding='utf-8') as log:
            return text in log.read().splitlines()[-1]

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        assert self.wait(20) == 0, 'does not end in order'


def at_a_place(path):
    """How many kills the shim has written down."""
    try:
        with open(path, encoding='utf-8', errors='replace') as f:
            return sum(1 for _ in f)
    except FileNotFoundError:
        return 0


def run(args, rng):
    port = talk.free_port()
    grant = talk.make_grant(args.bin, port, args.store, ('--daily-entries', '1000000', '--append-rate', 'none'))
    relay, world = Relay(args, port), World(port, grant, rng)
    assert relay.start()
    connection = talk.Connection(port)
    for q in world.queues:
        assert connection.ask(q.create().replace(b'Connection: close\r\n', b''))[0] == 201
    connection.close()
    relay.stop()
    people = [threading.Thread(target=world.sender, args=(i,)) for i in range(SENDERS)]
    people += [threading.Thread(target=world.reader, args=(q,)) for q in range(QUEUES)]
    people += [threading.Thread(target=world.recorder), threading.Thread(target=world.witness, args=(args.bin,))]
    for t in people:
        t.start()
    began = time.monotonic()
    by_shim = by_time = starting = signers = 0
    counts = {}
    try:
        # A kill that the clock made, as too little was done before it, has no place: it is made up for by another.
        while at_a_place(args.places) < args.cycles:
            i = by_shim + by_time
            assert i < args.cycles + args.cycles // 10 + 3, 'of %d kills only %d were at a place' % (i, at_a_place(args.places))
            at = rng.randrange(1, EARLY) if i % 4 == 0 else rng.randrange(EARLY, args.longest)
            env = dict(os.environ, LD_PRELOAD=args.shim, DT_KILL_PROGRAM='detente-relay', DT_KILL_AT=str(at),
                       DT_KILL_HOW=HOWS[i % len(HOWS)], DT_KILL_PLACE_FILE=os.path.abspath(args.places))
            if relay.start(env):
                world.up.set()
            else:
                starting += 1
            rc = relay.wait(1)
            world.up.clear()
            if rc is None:  # too little was done in that time: killed wherever it is now
                relay.proc.kill()
                relay.proc.wait()
                by_time += 1
            else:
                # The shim is in the process that signs, too: where that is killed the relay stops, and says so.
                assert rc == -signal.SIGKILL or (rc == 3 and relay.said('the process that signs checkpoints has ended')), \
                    'ended with %s' % rc
                signers += rc == 3
                by_shim += 1
            if i % args.check_each == args.check_each - 1:
                world.up.clear()
                assert relay.start(), 'does not start after kill %d' % (i + 1)
                counts = world.judge()
                relay.stop()
                print('after %d kills: %s' % (i + 1, counts), flush=True)
        assert relay.start(), 'does not start at the end'
        world.up.set()
        time.sleep(0.5)  # whoever was not answered asks once more
        world.over = True
        for t in people:
            t.join()
        time.sleep(0.3)
        counts = world.judge()
        relay.stop()
        check = subprocess.run([args.bin + '/detente-relay', 'check-config', '--store', args.store], check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert check.returncode == 0, 'the store is not sound: ' + check.stdout.decode()
    finally:
        world.over = True
        world.up.set()
        if relay.proc.poll() is None:
            relay.proc.kill()
    took = time.monotonic() - began
    assert counts['acknowledged'] > args.cycles and counts['entries'] > args.cycles // 8 and counts['cosigned'] > 0, \
        'too little was done: %s' % counts
    assert world.again > args.cycles // 4, 'only %d messages were asked for again' % world.again
    print('ok: %d kills (%d at a call of the shim, %d of them before it served, %d of them of its signer; %d by the clock) in '
          '%d s: %d messages and %d register entries acknowledged, %d of the messages only when asked again; 0 lost, 0 twice, '
          'in order, cosignatures up to size %d kept'
          % (by_shim + by_time, by_shim, starting, signers, by_time, took, counts['acknowledged'], counts['entries'], world.again,
             counts['cosigned']))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('bin')
    p.add_argument('shim')
    p.add_argument('--cycles', type=int, required=True)
    p.add_argument('--places', default='places')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--store', default='relay.db')
    p.add_argument('--check-each', type=int, default=100)
    p.add_argument('--longest', type=int, default=500)
    args = p.parse_args()
    try:
        run(args, random.Random(args.seed))
    except AssertionError as e:
        print('FAILED: %s' % e, flush=True)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
