#!/usr/bin/env python3
"""Active senders beside thousands of idle long polls, and beside hostile ones: how long an acknowledgement takes.

Use: neighbours.py --at PORT --token HEX --pid PID --register PREFIX --idle N [--senders N] [--seconds S]
A hundred senders, a connection each, send twice a second; each message's time counts from when it was to be sent. First they
are alone; then N long polls wait, of queues in which nothing happens; then there are also peers that say nothing, a header a
byte a second, half a body, garbage, and bursts of a hundred connections. The 99th percentile stays under three times that
of the senders alone. In the end the relay is told to stop, with all of that going on: it ends in order within two seconds.
What was acknowledged is written to ./acked, for who looks after the next start (--check).
"""
import argparse
import errno
import multiprocessing
import os
import select
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawhttp import Findings, Place, Queue, one, request  # noqa: E402
import relay_talk as talk  # noqa: E402

QUEUES = 4
FLOOR_S = 0.010  # a normal time below this says more about the clock's grain than about the relay


def connect(port, source):
    s = socket.socket()
    s.bind((source, 0))
    s.connect(('127.0.0.1', port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


# ---- neighbours, in processes of their own ----

def idle(port, queues, net, n, said):
    """Long polls that wait; each is asked again when its time is up. Says how many wait, and at the end how many ended."""
    poll, socks = select.epoll(), {}
    for i in range(n):
        s = connect(port, '127.0.%d.%d' % (net, 1 + i // 200))
        s.sendall(queues[i % len(queues)].poll(60).replace(b'Connection: close\r\n', b''))
        socks[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
    said.put(len(socks))
    answered = ended = 0
    while socks:
        for fd, _ in poll.poll(1):
            s = socks[fd]
            try:
                got = s.recv(4096)
            except OSError:
                got = b''
            if got.startswith(b'HTTP/1.1 '):
                answered += 1
            if got:
                continue
            ended += 1
            poll.unregister(fd)
            s.close()
            del socks[fd]
    said.put((answered, ended))


def silent(port, n, data, drip):
    """Connections that say ${data} and then a byte a second, or nothing; each that is ended is made again."""
    socks = []
    while True:
        while len(socks) < n:
            try:
                s = connect(port, '127.0.20.%d' % (1 + len(socks) % 200))
                s.sendall(data)
                s.setblocking(False)
                socks.append(s)
            except OSError:
                break
        time.sleep(1)
        for s in list(socks):
            try:
                if drip:
                    s.send(drip)
                if s.recv(4096) == b'':
                    raise ConnectionError
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                socks.remove(s)


def garbage(port):
    """Bytes that are no request, a connection each."""
    while True:
        try:
            s = connect(port, '127.0.21.%d' % (1 + os.urandom(1)[0] % 200))
            s.sendall(os.urandom(300))
            s.close()
        except OSError:
            pass
        time.sleep(0.01)


def bursts(port):
    """A hundred connections at once, gone with a reset a moment later."""
    while True:
        socks = []
        for i in range(100):
            s = socket.socket()
            s.bind(('127.0.22.%d' % (1 + i), 0))
            s.setblocking(False)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            if s.connect_ex(('127.0.0.1', port)) not in (0, errno.EINPROGRESS):
                s.close()
                continue
            socks.append(s)
        time.sleep(0.2)
        for s in socks:
            s.close()
        time.sleep(0.3)


def start(target, *args):
    p = multiprocessing.Process(target=target, args=args, daemon=True)
    p.start()
    return p


# ---- senders ----

class Senders:
    def __init__(self, port, queues, n):
        self.port, self.queues, self.n = port, queues, n
        self.socks = [connect(port, '127.0.0.%d' % (2 + i % 200)) for i in range(n)]
        self.acked = []

    def run(self, seconds, period=0.5, until=None):
        """Send for so long, or until ${until}() says so: the times, and how many were not answered with 200."""
        began = time.monotonic() + 0.05
        due = [(began + period * i / self.n, i) for i in range(self.n)]
        poll, waiting, times, bad = select.epoll(), {}, [], 0
        by_fd = {s.fileno(): i for i, s in enumerate(self.socks)}
        for s in self.socks:
            poll.register(s, select.EPOLLIN)
        while True:
            now = time.monotonic()
            if until is not None and until():
                break
            if until is None and now > began + seconds + 10:
                bad += len(waiting)
                break
            if until is None and not waiting and (not due or due[0][0] > began + seconds):
                break
            while due and due[0][0] <= now:
                at, i = due.pop(0)
                if until is None and at > began + seconds:
                    continue
                if i in waiting:  # still not answered: it counts from when it was to be sent
                    due.append((now + 0.01, i))
                    continue
                append_id = os.urandom(16)
                waiting[i] = (at, append_id)
                try:
                    self.socks[i].sendall(talk.append_request(self.queues[i % QUEUES], append_id, os.urandom(512)))
                except OSError:
                    bad += 1
                due.append((at + period, i))
            due.sort()
            for fd, _ in poll.poll(max(0.0, min(0.05, (due[0][0] if due else now) - time.monotonic()))):
                i = by_fd[fd]
                try:
                    got = self.socks[i].recv(4096)
                except OSError:
                    got = b''
                if i not in waiting or not got:
                    if not got:
                        poll.unregister(fd)
                    continue
                at, append_id = waiting.pop(i)
                times.append(time.monotonic() - at)
                if got.startswith(b'HTTP/1.1 200'):
                    self.acked.append((i % QUEUES, append_id, struct.unpack('>Q', got[-8:])[0]))
                else:
                    bad += 1
        poll.close()
        return sorted(times), bad


def p99(times):
    return times[len(times) * 99 // 100]


def busy(pid):
    """Seconds of processor time that the relay has taken."""
    with open('/proc/%d/stat' % pid, encoding='ascii') as f:
        words = f.read().rpartition(')')[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')


def measured(args, senders, what):
    was = busy(args.pid)
    times, bad = senders.run(args.seconds)
    print('%s: %d messages, median %.1f ms, 99%% %.1f ms, worst %.1f ms, %d not taken; the relay took %.2f ms of processor time '
          'for each' % (what, len(times), times[len(times) // 2] * 1e3, p99(times) * 1e3, times[-1] * 1e3, bad,
                        (busy(args.pid) - was) * 1e3 / len(times)), flush=True)
    return times, bad


def is_over(pid):
    """True if the process is gone or waits for its parent; it may go between any two looks."""
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii') as f:
            return ' Z ' in f.read()
    except (FileNotFoundError, ProcessLookupError):
        return True


def beside(args, f):
    relay = Place('plain:%d' % args.at)
    queues = [Queue(args.token) for _ in range(QUEUES)]
    still = [Queue(args.token) for _ in range(50)]
    for q in queues + still:
        assert one(relay, q.create())[0] == 201
    senders = Senders(args.at, queues, args.senders)
    senders.run(0.5)  # everything was used once
    normal, bad = measured(args, senders, 'alone')
    f.check(bad == 0 and len(normal) >= args.senders, 'the senders alone are all answered', (bad, len(normal)))

    said = multiprocessing.Queue()
    polls = [start(idle, args.at, still, 10 + i, args.idle // 2, said) for i in range(2)]
    waiting = sum(said.get(timeout=60) for _ in polls)
    f.check(waiting == args.idle // 2 * 2, '%d long polls wait' % waiting)
    with_idle, bad_idle = measured(args, senders, 'beside %d idle long polls' % waiting)

    half = still[0].append(b'x' * 512)[:-300]
    bad_ones = [start(silent, args.at, 100, b'', b''), start(silent, args.at, 100, b'GET /v1/health HTTP/1.1\r\nX: ', b'x'),
                start(silent, args.at, 100, half, b''), start(garbage, args.at), start(bursts, args.at)]
    time.sleep(1)
    with_bad, bad_bad = measured(args, senders, 'and hostile ones')
    for p in bad_ones:
        p.terminate()
        p.join()
    limit = 3 * max(p99(normal), FLOOR_S)
    f.check(bad_idle == 0 and p99(with_idle) < limit, 'beside idle long polls: 99%% %.1f ms, under three times the normal'
            % (p99(with_idle) * 1e3), (bad_idle, limit))
    f.check(bad_bad == 0 and p99(with_bad) < limit, 'beside hostile ones too: 99%% %.1f ms' % (p99(with_bad) * 1e3),
            (bad_bad, limit))

    # Told to stop while the senders send as fast as they can and all the polls wait.
    gone = {}

    def stopped():
        now = time.monotonic()
        if 'told' not in gone:
            if now > gone['begin'] + 0.5:
                os.kill(args.pid, signal.SIGTERM)
                gone['told'] = now
        elif is_over(args.pid):
            gone['ended'] = now
        elif now > gone['told'] + 20:
            gone['ended'] = None
        return 'ended' in gone
    gone['begin'] = time.monotonic()
    senders.run(0, period=0.05, until=stopped)
    took = gone['ended'] - gone['told'] if gone['ended'] else 99
    f.check(took < 2, 'told to stop under load and with %d long polls open, it ends in %.2f s' % (waiting, took))
    answered = ended = 0
    for _ in polls:
        a, e = said.get(timeout=20)
        answered, ended = answered + a, ended + e
    f.check(ended == answered == waiting, 'and every long poll was answered', (answered, ended))
    with open('acked', 'w', encoding='ascii') as out:
        for i, q in enumerate(queues):
            out.write('queue %d %s %s\n' % (i, q.address, q.read.hex()))
        for i, append_id, position in senders.acked:
            out.write('acked %d %s %d\n' % (i, append_id.hex(), position))


def check(args, f):
    """Everything in ./acked is there, once, where it was acknowledged."""
    queues, acked = {}, []
    for line in open('acked', encoding='ascii'):
        words = line.split()
        if words[0] == 'queue':
            q = Queue('00' * 32)
            q.address, q.read = words[2], bytes.fromhex(words[3])
            queues[int(words[1])] = q
        else:
            acked.append((int(words[1]), bytes.fromhex(words[2]), int(words[3])))
    connection, found = talk.Connection(args.at), {}
    for i, q in queues.items():
        last, n = 1, 0
        while n < last:
            last, items = talk.cells_of(connection.ask(talk.read_request(q, n))[1])
            for position, append_id, _ in items:
                f.failed += append_id in found
                found[append_id] = (i, position)
                n += 1
    lost = [a for a in acked if found.get(a[1]) != (a[0], a[2])]
    f.check(not lost and len(acked) > 100, 'all %d that were acknowledged before the stop are there, once' % len(acked),
            len(lost))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--at', type=int, required=True)
    p.add_argument('--token')
    p.add_argument('--pid', type=int)
    p.add_argument('--idle', type=int, default=2000)
    p.add_argument('--senders', type=int, default=100)
    p.add_argument('--seconds', type=float, default=3)
    p.add_argument('--check', action='store_true')
    args = p.parse_args()
    f = Findings()
    (check if args.check else beside)(args, f)
    return f.failed != 0


if __name__ == '__main__':
    sys.exit(main())
