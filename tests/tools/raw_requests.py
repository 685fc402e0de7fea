#!/usr/bin/env python3
"""Malformed and ambiguous requests, sent as they are to a relay, or to a front before one.

Use: raw_requests.py thirteen|pairs --as relay|stream|http|haproxy --at PLACE... --relay PLACE --token HEX [--tap PORT]
PLACE is plain:PORT or tls:PORT:CA. --as says which column of the tables is expected; --relay is the relay itself, where
what a request may have left is looked for. --tap: listen there and hand on to the relay, as the front's upstream, and
see what the relay is sent.
"""
import argparse
import os
import sys
import threading
import socket

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawhttp import Findings, Place, Queue, answers, exchange, one, request  # noqa: E402

# The thirteen requests that servers are known to let through; notes on what common ones do with them say that none
# refuses all. %(n)d is the body's length. Bodies make a queue, which can be looked for afterwards. "relay", "stream" and
# "http" are the statuses that come from the relay itself, through the stream front, and through the HTTP front; 200 in
# a column means: not refused there, as docs/known-risks.md says.
POST = b'POST /v1/queues HTTP/1.1\r\nHost: localhost\r\n'
GET = b'GET /v1/health HTTP/1.1\r\n'
THIRTEEN = [
    # name, head, body, relay, stream, http, haproxy
    ('Content-Length and chunked together', POST + b'Content-Length: %(n)d\r\nTransfer-Encoding: chunked\r\n\r\n',
     'chunked', 501, 501, 400, 501),
    ('Transfer-Encoding: gzip, chunked, and a length',
     POST + b'Content-Length: %(n)d\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 'chunked', 501, 501, 501, 422),
    ('two different Content-Length', POST + b'Content-Length: %(n)d\r\nContent-Length: 5\r\n\r\n', 'plain', 400, 400, 400, 400),
    ('a negative Content-Length', POST + b'Content-Length: -5\r\n\r\n', 'plain', 400, 400, 400, 400),
    ('a Content-Length with a plus', POST + b'Content-Length: +%(n)d\r\n\r\n', 'plain', 400, 400, 400, 400),
    ('a space before the colon', POST + b'Content-Length : %(n)d\r\n\r\n', 'plain', 400, 400, 400, 400),
    ('no Host', GET + b'\r\n', None, 400, 400, 400, 400),
    ('two Hosts', GET + b'Host: localhost\r\nHost: other\r\n\r\n', None, 400, 400, 400, 400),
    ('a chunk size with a plus', POST + b'Transfer-Encoding: chunked\r\n\r\n', 'chunked-plus', 501, 501, 400, 400),
    ('bare LF line ends', b'GET /v1/health HTTP/1.1\nHost: localhost\n\n', None, 400, 400, 200, 200),
    ('an empty header name', GET + b'Host: localhost\r\n: x\r\n\r\n', None, 400, 400, 400, 400),
    ('a folded header line', GET + b'Host: localhost\r\nX: b\r\n c\r\n\r\n', None, 400, 400, 400, 200),
    ('a NUL in a header value', GET + b'Host: localhost\r\nX: b\0c\r\n\r\n', None, 400, 400, 400, 200),
]


def with_body(head, kind, body):
    if kind is None:
        return head
    plus = b'+' if kind == 'chunked-plus' else b''
    if kind != 'plain':
        body = plus + b'%x\r\n' % len(body) + body + b'\r\n0\r\n\r\n'
    return head % {b'n': len(body)} + body


def thirteen(args, f):
    column = {'relay': 3, 'stream': 4, 'http': 5, 'haproxy': 6}[args.kind]
    f.check(len(THIRTEEN) == 13, 'there are thirteen')
    for place in args.at:
        refused = 0
        for row in THIRTEEN:
            queue = Queue(args.token)
            try:
                got, how = exchange(place, with_body(row[1], row[2], queue.body))
            except OSError as e:
                got, how = [], str(e)
            # libmicrohttpd 0.9.75 says the header of its own refusals twice; what follows the first is no answer.
            status = [s for s, _ in got if s != 0]
            refused += len(status) == 1 and status[0] >= 400 and how != 'open'
            f.check(status == [row[column]] and (status == [200] or how != 'open'),
                    '%s, %s: %d' % (place.text.split(':')[0], row[0], row[column]), (got, how))
            f.check(one(args.relay, queue.look())[0] == 404, '  and it left nothing on the relay')
            f.check(one(place, request('GET', '/v1/health'))[0] == 200, '  and the next connection is served')
        want = sum(row[column] >= 400 for row in THIRTEEN)
        print('%s: %d of 13 refused' % (place.text, refused))
        f.check(refused == want, '%s: %d of 13 refused' % (place.text.split(':')[0], want), refused)
    # A body that is well-formed does leave a queue: what was looked for above can be found.
    queue = Queue(args.token)
    f.check(one(args.at[0], queue.create())[0] == 201 and one(args.relay, queue.look())[0] == 200,
            'the same request, well-formed, makes a queue')


# ---- two requests where one is meant ----

class Tap:
    """Hands connections on to the relay and keeps what goes to it."""

    def __init__(self, port, relay):
        self.relay = relay
        self.lock = threading.Lock()
        self.streams = []
        self.listener = socket.create_server(('127.0.0.1', port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            up = socket.create_connection(('127.0.0.1', self.relay.port))
            with self.lock:
                self.streams.append(bytearray())
                stream = self.streams[-1]
            threading.Thread(target=self.pump, args=(sock, up, stream), daemon=True).start()
            threading.Thread(target=self.pump, args=(up, sock, None), daemon=True).start()

    def pump(self, a, b, stream):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                if stream is not None:
                    with self.lock:
                        stream += data
                b.sendall(data)
        except OSError:
            pass
        try:
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def take(self):
        with self.lock:
            streams = [bytes(s) for s in self.streams]
            self.streams = []
        return [s for s in streams if s]


def requests_in(stream):
    """How many requests a server that goes by Content-Length alone sees; None when they are not in the plain form."""
    n = 0
    while stream:
        head, mark, rest = stream.partition(b'\r\n\r\n')
        lines = head.split(b'\r\n')
        if not mark or len(lines[0].split(b' ')) != 3 or b'\n' in head.replace(b'\r\n', b''):
            return None
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(b': ')
            if name.lower() == b'transfer-encoding':
                return None
            if name.lower() == b'content-length':
                if not value.isdigit():
                    return None
                length = int(value)
        stream = rest[length:]
        n += 1
    return n


LENIENT = ('a chunk that ends with bare LF', 'a header section that ends with LF CR LF')


def pairs_of(hidden):
    """
    Name, and bytes in which a second request, `hidden`, begins earlier or later as one reads it. LENIENT: nginx takes a
    bare LF for a line's end, so to it these are two requests; what matters is that they are two to the relay as well.
    """
    n = len(hidden)
    chunk = b'%x\r\n%s\r\n0\r\n\r\n' % (n, hidden)
    p = b'POST /v1/queues HTTP/1.1\r\nHost: localhost\r\n'

    def te(field, name):
        return name, p + b'Content-Length: 5\r\n' + field + b'\r\n\r\n0\r\n\r\n' + hidden
    return [
        ('CL.TE', p + b'Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' % (n + 5) + hidden),
        ('TE.CL', p + b'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n' + chunk),
        ('TE.TE', p + b'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\nContent-Length: 4\r\n\r\n' + chunk),
        te(b'Transfer-Encoding : chunked', 'a space before the colon of Transfer-Encoding'),
        te(b'Transfer-Encoding:\tchunked', 'a tab before chunked'),
        te(b'Transfer-Encoding: \x0bchunked', 'a vertical tab before chunked'),
        te(b'Transfer-Encoding: chunked\x00', 'a NUL after chunked'),
        te(b'X: y\nTransfer-Encoding: chunked', 'a bare LF before Transfer-Encoding'),
        te(b'X: y\rTransfer-Encoding: chunked', 'a bare CR before Transfer-Encoding'),
        te(b'X: y\r\n Transfer-Encoding: chunked', 'a folded Transfer-Encoding'),
        te(b'Transfer-Encoding:\r\n chunked', 'a folded chunked'),
        ('two lengths, the shorter last', p + b'Content-Length: %d\r\nContent-Length: 0\r\n\r\n' % n + hidden),
        ('two lengths, the shorter first', p + b'Content-Length: 0\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('two lengths in one line', p + b'Content-Length: 0, %d\r\n\r\n' % n + hidden),
        ('a length that overflows', p + b'Content-Length: 18446744073709551616\r\n\r\n' + hidden),
        ('a length in hex', p + b'Content-Length: 0x0\r\n\r\n' + hidden),
        ('a length behind a bare LF', p + b'X: y\nContent-Length: %d\r\nContent-Length: 0\r\n\r\n' % n + hidden),
        ('a chunk that ends with bare LF', p + b'Transfer-Encoding: chunked\r\n\r\n0\n\n' + hidden),
        ('a chunk size that overflows',
         p + b'Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n0\r\n\r\n' + hidden),
        ('a header section that ends with LF CR LF', p + b'Content-Length: 0\n\r\n' + hidden),
        ('a line of NUL before the end', p + b'Content-Length: %d\r\n\0\r\n\r\n' % n + hidden),
        # CL.0: a body where some take none to be.
        ('the body of a GET', b'GET /v1/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('the body of a DELETE', b'DELETE /v1/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('a body for a path of nobody', b'POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('a body for a path that is not there',
         b'POST /v1/nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('the start of a body too large', p + b'Content-Length: 2000000\r\n\r\n' + hidden),
        ('the start of a body that stops', p + b'Content-Length: %d\r\n\r\n' % (n + 100) + hidden),
        ('a length that is told to stay behind', p + b'Connection: Content-Length\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('a folded Content-Length', p + b'Content-Length:\r\n %d\r\n\r\n' % n + hidden),
        ('a body that is expected', p + b'Expect: 100-continue\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        # The upgrade to HTTP/2 in clear text, and its preface.
        ('h2c', b'GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'
                b'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        ('the preface of HTTP/2', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + hidden),
        ('a WebSocket', b'GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
                        b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
                        b'Content-Length: %d\r\n\r\n' % n + hidden),
        # Targets of other forms.
        ('a target in absolute form', b'POST http://other/v1/queues HTTP/1.1\r\nHost: localhost\r\n'
                                      b'Content-Length: %d\r\n\r\n' % n + hidden),
        ('a CONNECT', b'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % n + hidden),
        # Chunk extensions that end in a bare LF or CR: a chunk of two bytes to some, of which others make another.
        ('a chunk extension that ends in LF', p + b'Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n%02x\r\n0\r\n\r\n' % (n + 5)
         + hidden + b'\r\n0\r\n\r\n'),
        ('a chunk extension with a CR', p + b'Transfer-Encoding: chunked\r\n\r\n2;\rxx\r\n%02x\r\n0\r\n\r\n' % (n + 5)
         + hidden + b'\r\n0\r\n\r\n'),
        ('chunks of HTTP/1.0', b'POST /v1/queues HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n'
                               b'Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n' % (n + 5) + hidden),
    ]


def pairs(args, f):
    """
    The hidden request makes a queue. If a front takes a pair for one request and the relay for two, or the other way
    round, the queue comes into being although no request for it was answered, or an answer too many comes to somebody.
    """
    tap = Tap(args.tap, args.relay) if args.tap else None
    victim = Queue(args.token)
    assert one(args.relay, victim.create())[0] == 201
    assert one(args.relay, victim.append(b'v' * 512))[0] == 200
    mine = one(args.relay, victim.look())
    assert mine[0] == 200 and b'v' * 512 in mine[1]
    for place in args.at:
        # First what is allowed: two well-formed requests at once are two requests.
        queue = Queue(args.token)
        got, _ = exchange(place, request('GET', '/v1/health', close=False) + queue.create())
        f.check([s for s, _ in got] == [200, 201] and one(args.relay, queue.look())[0] == 200,
                '%s: two well-formed requests in one go are answered as two' % place.text.split(':')[0], got)
        if tap:
            seen = [requests_in(s) for s in tap.take()]
            f.check(None not in seen and sum(seen) == 2, '  and the tap before the relay sees two', seen)
        n = len(pairs_of(b''))
        for i in range(n):
            queue = Queue(args.token)
            name, data = pairs_of(queue.create())[i]
            try:
                got, _ = exchange(place, data, timeout=0.5)
            except OSError:
                got = []
            # The victim asks right behind it, on connections that may be the ones the pair went over.
            after = [one(place, victim.look()) for _ in range(3)]
            made = one(args.relay, queue.look())[0]
            answered = [s for s, _ in got]
            two = args.kind == 'http' and name in LENIENT
            good = after == [mine] * 3 and ((made, answered[-1:]) == (200, [201]) and len(answered) == 2 if two
                                            else made == 404 and 201 not in answered)
            more = (answered, made, [s for s, _ in after])
            if tap:
                streams = tap.take()
                seen = [requests_in(s) for s in streams]
                # Through the HTTP front each connection carries one request; through the stream front, what came.
                if args.kind in ('http', 'haproxy'):
                    good = good and all(x == 1 for x in seen) and 3 <= len(streams) <= 3 + max(len(got), 1)
                more += (seen,)
            f.check(good, '%s, %s: %s, and everybody has their own answer'
                    % (place.text.split(':')[0], name, 'two for both' if two else 'no second request'), more)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('what', choices=('thirteen', 'pairs'))
    p.add_argument('--as', dest='kind', required=True, choices=('relay', 'stream', 'http', 'haproxy'))
    p.add_argument('--at', action='append', required=True, type=Place)
    p.add_argument('--relay', required=True, type=Place)
    p.add_argument('--token', required=True)
    p.add_argument('--tap', type=int)
    args = p.parse_args()
    f = Findings()
    {'thirteen': thirteen, 'pairs': pairs}[args.what](args, f)
    return f.failed != 0


if __name__ == '__main__':
    sys.exit(main())
