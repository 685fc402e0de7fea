#!/usr/bin/env python3
"""Peers that come in numbers, or take their time, all at once; and honest ones beside them, whose time is taken.

Use: floods.py relay|stream|http|hoard --at PLACE [--flood-at PLACE] --relay PLACE --token HEX --pid PID --register PREFIX
               --connections N [--per-address N]
The first word is who is attacked: the relay itself, or a front of that kind before it; hoard: the relay, by one who may
write to a queue and declares more large bodies than it can hold. Honest clients go to --at. --pid
is the relay, whose memory and descriptors are read from /proc. Every attack has its clients on addresses of its own in
127.0.0.0/8. Attacks end at limits of src/net/limits.h and net/server.h, and when is looked at: not before they
may, not later than a second or three after they must. Everything is bounded: about a thousand connections, under a minute.
"""
import argparse
import os
import socket
import ssl
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawhttp import Findings, Place, Queue, one, read_all, request  # noqa: E402

HEADER_S, TRANSFER_S, LATE_S = 10, 30, 4


class Watch:
    """The relay's memory and descriptors, the highest seen."""

    def __init__(self, pid):
        self.pid = pid
        self.rss = self.fds = 0
        self.first = self.look()
        threading.Thread(target=self.run, daemon=True).start()

    def look(self):
        with open('/proc/%d/status' % self.pid, encoding='ascii') as f:
            rss = next(int(x.split()[1]) for x in f if x.startswith('VmRSS'))
        fds = len(os.listdir('/proc/%d/fd' % self.pid))
        self.rss, self.fds = max(self.rss, rss), max(self.fds, fds)
        return rss, fds

    def run(self):
        while True:
            try:
                self.look()
            except OSError:
                return
            time.sleep(0.1)


class Honest:
    """Writes and reads a queue, again and again on new connections, until told to stop; keeps how long each took."""

    def __init__(self, place, token, source):
        self.place, self.source = place, source
        self.queue = Queue(token)
        self.times, self.failed, self.stop = [], [], False
        self.sent = 0
        assert one(place, self.queue.create(), source=source)[0] == 201
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop:
            for data in (self.queue.append(b'h' * 512), self.queue.look()):
                began = time.monotonic()
                got = one(self.place, data, timeout=15, source=self.source)
                self.times.append(time.monotonic() - began)
                if got[0] != 200:
                    self.failed.append(got)
            self.sent += 1
            time.sleep(0.05)

    def done(self):
        self.stop = True
        self.thread.join()
        t = sorted(self.times)
        return len(t), t[len(t) // 2], t[len(t) * 99 // 100], t[-1]


class Slow:
    """Many connections, each of which is given a byte a second to send or take; when each ended is kept."""

    def __init__(self, place, n, source, first, drip, window=None, read=0):
        self.socks = []
        self.ended = []
        self.began = time.monotonic()
        self.drip, self.read = drip, read
        self.late = 0
        for _ in range(n):
            try:
                s = place.connect(source, 10, window)
                s.sendall(first)
                s.setblocking(False)
                self.socks.append(s)
            except OSError:
                self.late += 1

    def step(self):
        for s in list(self.socks):
            try:
                if self.drip:
                    s.send(self.drip)
                if not s.recv(self.read or 4096):
                    raise ConnectionError
            except (BlockingIOError, socket.timeout, ssl.SSLWantReadError):
                pass
            except OSError:
                s.close()
                self.socks.remove(s)
                self.ended.append(time.monotonic() - self.began)

    def close(self):
        for s in self.socks:
            s.close()


def vanish(place, source, data):
    """Begin a request and be gone with a reset, as a peer whose machine goes down and comes up again."""
    s = place.connect(source)
    s.sendall(data)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()


def report(f, name, slow, at_least, at_most, n):
    t = sorted(slow.ended)
    what = '%s: %d connections, ended after %.1f to %.1f s' % (name, n, t[0] if t else 0, t[-1] if t else 0)
    print(what)
    f.check(len(t) == n and not slow.socks and t[0] >= at_least and t[-1] <= at_most,
            '%s: each is ended between %d and %d s' % (name, at_least, at_most), (what, len(slow.socks), slow.late))


def slow_ones(args, f, watch):
    """Slow in all ways at the same time, well below the number of connections: each ends when its time is up."""
    n = args.connections // 16
    reader = Queue(args.token)
    assert one(args.relay, reader.create())[0] == 201
    for _ in range(2):
        assert one(args.relay, reader.append(b'r' * (512 << 10)))[0] == 200
    honest = Honest(args.at, args.token, '127.0.0.9')
    head = request('POST', '/v1/poll', body=b'x' * 1000)[:-1000]
    attacks = [
        ('connected, never a byte', HEADER_S, Slow(args.at, n, '127.0.1.1', b'', b'')),
        ('a header a byte a second', HEADER_S, Slow(args.at, n, '127.0.1.2', b'GET /v1/health HTTP/1.1\r\nX: ', b'x')),
    ]
    # Bodies through a front: the same time in the stream front, since the relay has it; the HTTP front keeps them to
    # itself for as long as a byte comes every 20 s.
    if args.what == 'relay':
        attacks += [
            ('a body a byte a second', TRANSFER_S, Slow(args.at, n, '127.0.1.3', head, b'x')),
            ('a body that stops', TRANSFER_S, Slow(args.at, n, '127.0.1.4', head + b'x' * 500, b'')),
        ]
    held = Slow(args.at, n, '127.0.1.6', head, b'x') if args.what == 'http' else None
    for _ in range(n):
        vanish(args.at, '127.0.1.5', head + b'x' * 500)
        vanish(args.at, '127.0.1.5', reader.poll(60))
    end = time.monotonic() + TRANSFER_S + LATE_S + 2
    while time.monotonic() < end and any(a[2].socks for a in attacks):
        time.sleep(1)
        for a in attacks + ([(0, 0, held)] if held else []):
            a[2].step()
    for name, limit, slow in attacks:
        report(f, name, slow, limit - 1, limit + LATE_S, n)
        slow.close()
    if held:
        fds = watch.look()[1]
        f.check(len(held.socks) == n and fds <= watch.first[1] + 4, 'bodies a byte a second wait in nginx, not in the relay',
                (len(held.socks), fds, watch.first))
        held.close()
    count, p50, p99, worst = honest.done()
    print('honest beside slow ones: %d requests, median %.1f ms, 99%% %.1f ms, worst %.1f ms'
          % (count, p50 * 1e3, p99 * 1e3, worst * 1e3))
    f.check(not honest.failed and count > 50 and worst < 3,
            'an honest client beside them is served each time, within 3 s', (honest.failed[:3], worst))
    return honest


def slow_readers(args, f, watch):
    """Answers of 1 MiB that nobody takes: they hold memory, but not more than there may be, and not for ever."""
    n = args.connections // 8
    reader = Queue(args.token)
    assert one(args.relay, reader.create())[0] == 201
    for _ in range(2):
        assert one(args.relay, reader.append(b'r' * (512 << 10)))[0] == 200
    slow = Slow(args.relay, n, '127.0.2.1', reader.look(), b'', window=4096, read=1)
    time.sleep(3)
    rss, fds = watch.look()
    print('%d answers of 512 KiB that nobody takes: %d KiB resident, %d descriptors' % (n, rss, fds))
    f.check(len(slow.socks) == n and rss < watch.first[0] + n * 3 * 1024 + (32 << 10), 'they hold no more than they are',
            (rss, watch.first))
    f.check(one(args.at, request('GET', '/v1/health'), source='127.0.0.9')[0] == 200, 'and others are served')
    slow.close()
    time.sleep(2)


def connect_many(place, n, source, data=b'', out=None):
    """`n` connections that stay open, a few at a time, each saying `data`."""
    socks = [] if out is None else out
    for _ in range(n):
        try:
            s = place.connect(source, 3)
            if data:
                s.sendall(data)
            s.setblocking(False)
            socks.append(s)
        except OSError:
            pass
    return socks


def still_open(socks):
    """How many are neither closed nor told off."""
    n = 0
    for s in socks:
        try:
            s.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            n += 1
        except OSError:
            pass
    return n


def floods(args, f, watch):
    """More connections than there are, from one address and from many, silent, waiting, and coming again and again."""
    waiting = request('GET', args.register + '/checkpoint.held?after=1000000&wait=60', close=False)
    # From one address: no more than it may have.
    if args.per_address:
        # nginx counts a connection of the HTTP front once it has a whole request of it.
        socks = connect_many(args.flood_at, args.per_address * 2, '127.0.3.1', waiting if args.what == 'http' else b'')
        time.sleep(1)
        n = still_open(socks)
        print('from one address %d connections: %d stay' % (len(socks), n))
        f.check(n == args.per_address, 'one address has at most %d connections' % args.per_address, n)
        f.check(one(args.at, request('GET', '/v1/health'), source='127.0.3.2')[0] == 200, 'another address is served')
        for s in socks:
            s.close()
    for name, data in (('silent', b''), ('half a header', b'GET /v1/health HTTP/1.1\r\nHost: a\r\n'),
                       ('waiting for the register', waiting)):
        honest = Honest(args.at, args.token, '127.0.0.9')
        socks = []
        stop = time.monotonic() + 4
        sources = ['127.0.4.%d' % i for i in range(1, 200)]

        def flood(part):
            i = part
            while time.monotonic() < stop:
                connect_many(args.flood_at, 4, sources[i % len(sources)], data, socks)
                i += 2
                if len(socks) > 3 * args.connections:
                    time.sleep(0.05)
                    for s in socks[:4]:
                        s.close()
                    del socks[:4]
        threads = [threading.Thread(target=flood, args=(i,)) for i in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        count, p50, p99, worst = honest.done()
        print('flood, %s: %d connections open, honest: %d requests, median %.1f ms, 99%% %.1f ms, worst %.1f ms'
              % (name, len(socks), count, p50 * 1e3, p99 * 1e3, worst * 1e3))
        f.check(len(socks) > args.connections, 'flood, %s: it was more than there are connections' % name, len(socks))
        f.check(not honest.failed and count > 20 and worst < 3,
                'flood, %s: an honest client is served each time, within 3 s' % name, (honest.failed[:3], worst, count))
        for s in socks:
            s.close()
        time.sleep(1)
    print('at most %d KiB resident (%d at first), %d descriptors' % (watch.rss, watch.first[0], watch.fds))
    f.check(watch.fds <= args.connections + 64, 'descriptors stay below connections and 64', watch.fds)


def hoard(args, f, watch):
    """One who may write to a queue declares 400 MiB of bodies and sends them slowly: others' large cells go through."""
    bad, good = Queue(args.token), Queue(args.token)
    for q in (bad, good):
        assert one(args.relay, q.create())[0] == 201
    head = bad.append(b'x' * (512 << 10))
    n = head.index(b'\r\n\r\n') + 4
    head = head[:n].replace(b'Content-Length: %d' % (len(head) - n), b'Content-Length: %d' % (1 << 20))
    slow = good.append(b's' * (512 << 10))
    sock = args.at.connect('127.0.0.9', 10)
    sock.sendall(slow[:-1])  # an honest one on a poor link, there before all of them
    socks, got, took = [], [], []
    for i in range(400):
        try:
            s = args.at.connect('127.0.5.%d' % (1 + i % 50), 3)
            s.sendall(head + b'x' * 1000)
            s.setblocking(False)
            socks.append(s)
        except OSError:
            pass
        if i % 20 == 19:
            began = time.monotonic()
            got.append(one(args.at, good.append(b'g' * (512 << 10)), source='127.0.0.9')[0])
            took.append(time.monotonic() - began)
    open_now = still_open(socks)
    print('of %d large bodies of one queue %d are held; %d large cells of another: median %.0f ms, worst %.0f ms'
          % (len(socks), open_now, len(got), sorted(took)[len(took) // 2] * 1e3, max(took) * 1e3))
    f.check(150 < open_now <= 192, 'no more of them are held than there may be', open_now)
    f.check(got == [200] * 20, 'a large cell of another queue is taken each time', got)
    f.check(one(args.at, good.look(), source='127.0.0.9')[0] == 200, 'and given out')
    sock.sendall(slow[-1:])
    data, how = read_all(sock)
    f.check(data.startswith(b'HTTP/1.1 200'), 'one that was slow, and there before all of them, was not ended for them', (data[:60], how))
    sock.close()
    for s in socks:
        s.close()


def honest_kept(args, f, honest):
    """What was acknowledged to the honest client meanwhile is all there."""
    got = one(args.relay, honest.queue.look())
    last = int.from_bytes(got[1][:8], 'big') if got[0] == 200 else -1
    f.check(last == honest.sent, 'every cell acknowledged meanwhile is there, once', (last, honest.sent))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('what', choices=('relay', 'stream', 'http', 'hoard'))
    p.add_argument('--at', required=True, type=Place)
    p.add_argument('--flood-at', type=Place)
    p.add_argument('--relay', required=True, type=Place)
    p.add_argument('--token', required=True)
    p.add_argument('--pid', required=True, type=int)
    p.add_argument('--register', required=True)
    p.add_argument('--connections', required=True, type=int)
    p.add_argument('--per-address', type=int, default=0)
    args = p.parse_args()
    args.flood_at = args.flood_at or args.at
    f = Findings()
    watch = Watch(args.pid)
    if args.what == 'hoard':
        hoard(args, f, watch)
        return f.failed != 0
    honest = slow_ones(args, f, watch)
    honest_kept(args, f, honest)
    if args.what == 'relay':
        slow_readers(args, f, watch)
    floods(args, f, watch)
    for _ in range(80):
        rss, fds = watch.look()
        if fds <= watch.first[1] + 2:
            break
        time.sleep(0.1)
    print('afterwards %d KiB resident, %d descriptors' % (rss, fds))
    f.check(fds <= watch.first[1] + 2, 'all descriptors are free again', (fds, watch.first))
    f.check(one(args.at, request('GET', '/v1/health'))[0] == 200, 'and it serves')
    return f.failed != 0


sys.exit(main())
