#!/usr/bin/env python3
"""Relays on one PostgreSQL database while relays and database are killed, with an oracle of what was acknowledged.

Use: two_relays.py BIN FOLDER [--relay-kills N] [--database-kills N] [--cuts N] [--restarts N] [--byte-cuts N] [--send-kills N]
[--shim KILLSHIM] [--seed N], in an empty folder.
FOLDER is that of a server started by tests/tools/postgres --fsync start. Two relays serve one new database, which they reach
through pg_cut.py. What is done meanwhile: a relay is killed, at any time or (--send-kills) at its n-th send to the database;
the database is killed or restarted; all connections are ended by it, or one is cut at its n-th byte. Senders append
to four queues and to the register, two at each relay for every queue, and send again what got no answer; readers wait by
long poll, each at the relay that it does not write to. Afterwards: what was answered 200 is there, once, where it was said
to be; nothing else but what was sent; each sender's cells stand in the order in which it sent them; readers saw
every position once and in order; an entry of the register has the index that was said, its checkpoints never shrink; the
store is sound. The last line is `N passed, N failed, N skipped`.
"""
import argparse
import hashlib
import http.client
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pg_cut import Cutter  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.path.join(TOP, 'tests', 'tools', 'postgres')
QUEUES, SENDERS = 4, 16
NEVER_S = 60     # an append that is not answered in that time is lost to who sends it


def sha(b):
    return hashlib.sha256(b).digest()


def vec(b):
    """opaque b<V> of RFC 9420 section 2.1.2, up to 16383 bytes"""
    return (bytes([len(b)]) if len(b) < 64 else struct.pack('>H', 0x4000 | len(b))) + b


def read_vec(b):
    kind = b[0] >> 6
    size = 1 << kind
    n = int.from_bytes(b[:size], 'big') & ((1 << (8 * size - 2)) - 1)
    return b[size:size + n], b[size + n:]


class Relay:
    def __init__(self, args, store, name):
        self.args, self.store, self.name = args, store, name
        self.port, self.proc, self.lock = 0, None, threading.Lock()
        self.starts = 0

    def start(self, kill_at=None):
        """Until it serves: it does not start while there is no database. It is killed at this send to the database."""
        env = dict(os.environ)
        if kill_at is not None:
            env.update(LD_PRELOAD=self.args.shim, DT_KILL_PROGRAM='detente-relay', DT_KILL_PEER='PGSQL', DT_KILL_AT=str(kill_at[0]),
                       DT_KILL_HOW=kill_at[1])
        for _ in range(200):
            port_file = '%s.port' % self.name
            if os.path.exists(port_file):
                os.unlink(port_file)
            with open(self.name + '.log', 'ab') as log:
                self.proc = subprocess.Popen(
                    [self.args.bin + '/detente-relay', 'serve', '--store', self.store, '--listen',
                     '127.0.0.1:%d' % self.port, '--port-file', port_file, '--sealing-key', 'sealing-key', '--signed',
                     self.name + '.signed'],
                    env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            for _ in range(1000):
                if os.path.exists(port_file) and os.path.getsize(port_file) > 1:
                    with open(port_file, encoding='ascii') as f:
                        self.port = int(f.read())
                    self.starts += 1
                    return
                if self.proc.poll() is not None:
                    if kill_at is not None and self.killed():
                        return
                    break
                time.sleep(0.01)
            self.proc.kill()
            self.proc.wait()
            time.sleep(0.1)
        raise SystemExit('%s does not start: %s' % (self.name, open(self.name + '.log', encoding='utf-8').read()[-800:]))

    def killed(self):
        """By the shim: itself, or its process that signs, which talks with the database at a start, and then it stops."""
        return self.proc.returncode in (-signal.SIGKILL, 3)

    def kill(self):
        self.proc.send_signal(signal.SIGKILL)
        self.proc.wait()

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        return self.proc.wait(30)


class Client:
    """One connection, made anew when it broke."""
    def __init__(self, relay):
        self.relay, self.connection = relay, None

    def call(self, method, path, body=b'', bearer=None, timeout=30):
        headers = {'Authorization': 'Bearer ' + bearer.hex()} if bearer else {}
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection('127.0.0.1', self.relay.port, timeout=timeout)
            self.connection.request(method, path, body if method == 'POST' else None, headers)
            answer = self.connection.getresponse()
            body = answer.read()
            if answer.getheader('Content-Length') is None:
                raise http.client.HTTPException('broke off')
            return answer.status, body
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None, b''


class World:
    def __init__(self, args):
        self.rng = random.Random(args.seed)
        self.stop_writing = threading.Event()
        self.stop_reading = threading.Event()
        self.lock = threading.Lock()
        self.sent = [dict() for _ in range(QUEUES)]      # append id -> cell
        self.acked = [dict() for _ in range(QUEUES)]     # append id -> position
        self.orders = [[] for _ in range(QUEUES)]        # lists of append ids, each sender's, acknowledged
        self.seen = [[] for _ in range(QUEUES)]          # what the reader saw
        self.entries, self.tried = {}, set()             # seal -> index
        self.sizes, self.faults, self.statuses = [], [], {}
        self.slowest = 0.0
        self.wakes = []
        self.cuts = self.sends = (0, 0)

    def status(self, s):
        with self.lock:
            self.statuses[s] = self.statuses.get(s, 0) + 1


def sender(world, relay, queue, number, tokens):
    client, rng, order, n = Client(relay), random.Random(number), [], 0
    read, write, address = tokens
    while not world.stop_writing.is_set():
        append_id, cell = rng.randbytes(16), struct.pack('>II', number, n) + rng.randbytes(504)
        n += 1
        with world.lock:
            world.sent[queue][append_id] = cell
        began = time.monotonic()
        while True:
            status, body = client.call('POST', '/v1/queues/%s/cells' % address.hex(), append_id + vec(cell), write)
            world.status(status)
            if status == 200:
                with world.lock:
                    world.acked[queue][append_id] = int.from_bytes(body, 'big')
                    world.slowest = max(world.slowest, time.monotonic() - began)
                order.append(append_id)
                # What was acknowledged is handed in again now and then: it must stay where it is.
                if rng.randrange(40) == 0:
                    s2, b2 = client.call('POST', '/v1/queues/%s/cells' % address.hex(), append_id + vec(cell), write)
                    if s2 == 200 and b2 != body:
                        world.faults.append('an append id has two positions')
                break
            if status not in (None, 503):
                world.faults.append('an append was answered %s' % status)
                break
            # By time and not by tries: a database that was killed can take a quarter of a minute to stand again on a
            # busy machine, and all the while the relays answer 503, as they should.
            if time.monotonic() - began > NEVER_S:
                world.faults.append('an append was never answered')
                break
            time.sleep(0.02)
    with world.lock:
        world.orders[queue].append(order)


def entries(world, relay, grant, number, every):
    client, n = Client(relay), 0
    while not world.stop_writing.is_set():
        seal = sha(b'%d %d' % (number, n))
        n += 1
        world.tried.add(seal)
        while True:
            status, body = client.call('POST', grant['register']['prefix'] + 'append', b'\x01' + seal,
                                       bytes.fromhex(grant['append_key']))
            world.status(status)
            if status == 200:
                with world.lock:
                    world.entries[seal] = int.from_bytes(body, 'big')
                break
            if status not in (None, 503):
                world.faults.append('an entry was answered %s' % status)
                break
            time.sleep(0.02)
        time.sleep(every)


def reader(world, relay, queue, tokens):
    client, after = Client(relay), 0
    read, write, address = tokens
    while True:
        last = world.stop_reading.is_set()
        status, body = client.call('POST', '/v1/poll?wait=2', vec(address + read + struct.pack('>Q', after)))
        if status != 200:
            time.sleep(0.02)
            continue
        news, _ = read_vec(body)
        if not news:
            if last:
                return
            continue
        while True:
            status, body = client.call('GET', '/v1/queues/%s/cells?after=%d' % (address.hex(), after), bearer=read)
            if status == 200:
                break
            time.sleep(0.02)
        items, _ = read_vec(body[8:])
        while items:
            position, append_id = int.from_bytes(items[:8], 'big'), items[8:24]
            cell, items = read_vec(items[24:])
            if position != after + 1:
                world.faults.append('a reader saw position %d after %d' % (position, after))
            after = position
            world.seen[queue].append((append_id, cell))


def watcher(world, relay, grant):
    client, size = Client(relay), 0
    while not world.stop_reading.is_set():
        status, body = client.call('GET', grant['register']['prefix'] + 'checkpoint.held')
        if status == 200:
            now = int(body.split(b'\n')[1])
            if now < size:
                world.faults.append('the register shrank from %d to %d' % (size, now))
            size = now
            world.sizes.append(now)
        time.sleep(0.05)


WAKES, WAKE_S, WAKE_MAX_S = 40, 0.3, 2.0  # on a busy machine


def woken(world, relays, tokens):
    """How long it takes from an append at one relay to the end of a long poll at the other; nobody else does anything."""
    read, write, address = tokens
    for n in range(WAKES):
        here, there = Client(relays[n % 2]), Client(relays[1 - n % 2])
        took = []

        def wait(client=there, after=n):
            status, body = client.call('POST', '/v1/poll?wait=10', vec(address + read + struct.pack('>Q', after)))
            took.append(time.monotonic() if status == 200 and read_vec(body)[0] else None)
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.05)
        append_id, cell = world.rng.randbytes(16), world.rng.randbytes(512)
        world.sent[0][append_id] = cell
        began = time.monotonic()
        status, body = here.call('POST', '/v1/queues/%s/cells' % address.hex(), append_id + vec(cell), write)
        if status == 200:
            world.acked[0][append_id] = int.from_bytes(body, 'big')
        waiting.join()
        if took[0] is not None:
            world.wakes.append(took[0] - began)


def make_forum(args, store):
    keys = []
    for p in ('north', 'south'):
        done = subprocess.run([args.bin + '/detente', 'witness', 'keygen', '--name', 'witness.example/' + p, '--out',
                               p + '.witness'], check=True, stdout=subprocess.PIPE)
        keys += ['--witness', p + '=' + done.stdout.decode().strip()]
    relay = Relay(args, store, 'first')
    relay.start()
    subprocess.run([args.bin + '/detente-relay', 'grant', '--store', store, '--sealing-key', 'sealing-key', '--url', 'http://127.0.0.1:1', '--out', 'grants',
                    '--party', 'north', '--party', 'south', '--daily-entries', '1000000', '--append-rate', 'none', '--quiet'] + keys, check=True)
    if relay.stop() != 0:
        raise SystemExit('the first relay did not stop well')
    with open('grants/north.grant', encoding='utf-8') as f:
        return json.load(f)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('bin')
    ap.add_argument('folder')
    ap.add_argument('--relay-kills', type=int, default=0)
    ap.add_argument('--database-kills', type=int, default=0)
    ap.add_argument('--cuts', type=int, default=0)
    ap.add_argument('--restarts', type=int, default=0)
    ap.add_argument('--byte-cuts', type=int, default=0)
    ap.add_argument('--send-kills', type=int, default=0)
    ap.add_argument('--shim')
    ap.add_argument('--seed', type=int, default=int(os.environ.get('DT_SEED', '0')) or random.randrange(1 << 30))
    args = ap.parse_args()
    args.bin, args.folder = os.path.abspath(args.bin), os.path.abspath(args.folder)
    print('DT_SEED=%d' % args.seed)
    host, name = args.folder.replace('/', '%2F'), 'two_%d' % os.getpid()
    admin = 'postgresql://detente@/postgres?host=' + host
    subprocess.run(['psql', '-q', '-X', '-c', 'CREATE DATABASE ' + name, admin], check=True)
    cutter = Cutter('pg', args.folder)
    store = 'postgresql://detente@/%s?host=%s' % (name, cutter.folder.replace('/', '%2F'))
    grant = make_forum(args, store)
    world = World(args)
    relays = [Relay(args, store, 'relay-%d' % i) for i in range(2)]
    for r in relays:
        r.start()
    queues = []
    for q in range(QUEUES):
        read, write = world.rng.randbytes(32), world.rng.randbytes(32)
        status, body = Client(relays[q % 2]).call('POST', '/v1/queues', bytes.fromhex(grant['queue_token']) + sha(read) + sha(write))
        if status != 201:
            raise SystemExit('no queue: %s' % status)
        queues.append((read, write, body))
    woken(world, relays, queues[0])
    writing = [threading.Thread(target=sender, args=(world, relays[i // QUEUES % 2], i % QUEUES, i, queues[i % QUEUES]))
               for i in range(SENDERS)]
    writing += [threading.Thread(target=entries, args=(world, relays[i], grant, i, 0.02)) for i in range(2)]
    reading = [threading.Thread(target=reader, args=(world, relays[(q + 1) % 2], q, queues[q])) for q in range(QUEUES)]
    reading.append(threading.Thread(target=watcher, args=(world, relays[0], grant)))
    for t in writing + reading:
        t.start()
    began = time.monotonic()
    acts = (['relay'] * args.relay_kills + ['database'] * args.database_kills + ['cut'] * args.cuts +
            ['restart'] * args.restarts + ['byte'] * args.byte_cuts + ['send'] * args.send_kills)
    sends = 0
    world.rng.shuffle(acts)
    for act in acts:
        time.sleep(world.rng.uniform(0.05, 0.8))
        if act == 'relay':
            r = relays[world.rng.randrange(2)]
            r.kill()
            r.start()
        elif act == 'send':
            r = relays[world.rng.randrange(2)]
            r.stop()
            # Of its start, or of its work.
            r.start((world.rng.randrange(1, 40) if world.rng.random() < 0.4 else world.rng.randrange(40, 1500),
                     ('half', 'after', 'before')[world.rng.randrange(3)]))
            try:
                r.proc.wait(3)
                sends += r.killed()
            except subprocess.TimeoutExpired:
                r.kill()
            r.start()
        elif act == 'byte':
            at_once = world.rng.random() < 0.4  # of what is said when a connection begins, too
            cutter.cut_after(world.rng.randrange(1, 900 if at_once else 40000), world.rng.random() < 0.5, at_once)
            end = time.monotonic() + 3
            while cutter.pending() and time.monotonic() < end:
                time.sleep(0.01)
        elif act == 'database':
            subprocess.run([SERVER, 'kill', args.folder], check=True)
        elif act == 'restart':
            subprocess.run([SERVER, 'restart', args.folder], check=True)
        else:
            subprocess.run(['psql', '-q', '-X', '-At', '-o', '/dev/null', '-c', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
                            " WHERE datname = '%s'" % name, admin], check=False)
        for r in relays:
            if r.proc.poll() is not None:
                world.faults.append('%s ended by itself with %d' % (r.name, r.proc.returncode))
                r.start()
    time.sleep(1)
    world.stop_writing.set()
    for t in writing:
        t.join()
    took = time.monotonic() - began
    world.stop_reading.set()
    for t in reading:
        t.join()
    world.cuts, world.sends = (cutter.cuts, args.byte_cuts), (sends, args.send_kills)
    checks = judge(world, relays, queues, grant, args, store)
    passed = sum(1 for ok, _ in checks if ok)
    for ok, what in checks:
        print(('ok: ' if ok else 'FAILED: ') + what)
    print('    %d acts in %.0f s; %d cells and %d entries acknowledged; statuses %s; the longest wait %.1f s' % (
        len(acts), took, sum(len(a) for a in world.acked), len(world.entries),
        ', '.join('%s: %d' % (k, v) for k, v in sorted(world.statuses.items(), key=str)), world.slowest))
    print('%d passed, %d failed, 0 skipped' % (passed, len(checks) - passed))
    sys.exit(0 if passed == len(checks) else 1)


def judge(world, relays, queues, grant, args, store):
    checks = []

    def check(ok, what):
        checks.append((bool(ok), what))
    lost = twice = strange = moved = unordered = 0
    for q, (read, write, address) in enumerate(queues):
        held, after = [], 0
        client = Client(relays[q % 2])
        while True:
            status, body = client.call('GET', '/v1/queues/%s/cells?after=%d' % (address.hex(), after), bearer=read)
            if status != 200:
                time.sleep(0.05)
                continue
            items, _ = read_vec(body[8:])
            if not items:
                break
            while items:
                append_id = items[8:24]
                cell, items = read_vec(items[24:])
                held.append((append_id, cell))
            after = len(held)
        at = {}
        for position, (append_id, cell) in enumerate(held, 1):
            twice += append_id in at
            at[append_id] = position
            strange += world.sent[q].get(append_id) != cell
        for append_id, position in world.acked[q].items():
            lost += append_id not in at
            moved += append_id in at and at[append_id] != position
        for order in world.orders[q]:
            places = [at.get(a, 0) for a in order]
            unordered += places != sorted(places)
        check(world.seen[q] == held, 'the reader of queue %d, at the other relay, saw all %d of its cells in order' % (q, len(held)))
    wakes = sorted(world.wakes) or [99.0]
    check(len(wakes) == WAKES and wakes[len(wakes) // 2] < WAKE_S and wakes[-1] < WAKE_MAX_S,
          'an append at one relay ends a poll at the other after %.0f ms (median of %d; the longest %.0f ms)'
          % (wakes[len(wakes) // 2] * 1e3, len(wakes), wakes[-1] * 1e3))
    for what, (n, tries) in (('connections were cut at a byte', world.cuts), ('relays were killed at a send', world.sends)):
        check(n * 2 >= tries, '%d of %d %s' % (n, tries, what))
    n = sum(len(a) for a in world.acked)
    check(n > 0 and lost == 0, '%d of %d acknowledged cells are lost' % (lost, n))
    check(twice == 0, '%d cells are there twice' % twice)
    check(strange == 0, '%d cells are not as they were sent' % strange)
    check(moved == 0, '%d cells are not where it was said' % moved)
    check(unordered == 0, '%d senders have their cells out of order' % unordered)
    size, at = None, {}
    client = Client(relays[1])
    status, body = client.call('GET', grant['register']['prefix'] + 'checkpoint.held')
    size = int(body.split(b'\n')[1])
    for first in range(0, size, 256):
        width = min(256, size - first)
        path, number = '%03d' % (first // 256 % 1000), first // 256 // 1000
        while number:
            path, number = 'x%03d/' % (number % 1000) + path, number // 1000
        status, body = client.call('GET', grant['register']['prefix'] + 'tile/entries/%s%s' % (
            path, '' if width == 256 else '.p/%d' % width))
        for i in range(width):
            at.setdefault(body[i * 35 + 3:i * 35 + 35], []).append(first + i)
    check(world.entries and all(at.get(s) == [i] for s, i in world.entries.items()),
          'all %d acknowledged entries stand once, at their index' % len(world.entries))
    check(set(at) <= world.tried, 'the register has no other entry')
    check(world.sizes and world.sizes == sorted(world.sizes), 'its %d checkpoints never shrank' % len(world.sizes))
    for r in relays:
        began = time.monotonic()
        rc = r.stop()
        check(rc == 0 and time.monotonic() - began < 4, '%s stops well (%s) after %d starts' % (r.name, rc, r.starts))
    done = subprocess.run([args.bin + '/detente-relay', 'check-config', '--store', store], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    check(done.returncode == 0, 'the store is sound: ' + done.stdout.decode().strip())
    check(not world.faults, 'nothing else went wrong: ' + '; '.join(sorted(set(world.faults))[:5]))
    return checks


main()
