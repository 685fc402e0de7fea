"""Requests as bytes, over a socket: what the tests of malformed and slow requests share. Not a program."""
import hashlib
import os
import socket
import ssl


class Place:
    """Where to knock: "plain:PORT" or "tls:PORT:CA", both on 127.0.0.1."""

    def __init__(self, text):
        parts = text.split(':')
        self.text = text
        self.port = int(parts[1])
        self.context = None
        if parts[0] == 'tls':
            self.context = ssl.create_default_context(cafile=parts[2])

    def connect(self, source='127.0.0.1', timeout=5.0, window=None):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if window is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.settimeout(timeout)
        try:
            sock.bind((source, 0))
            sock.connect(('127.0.0.1', self.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self.context.wrap_socket(sock, server_hostname='127.0.0.1') if self.context else sock
        except OSError:
            sock.close()
            raise


def read_all(sock, limit=1 << 22):
    """What comes until the end, a reset or the socket's time-out, and which of them it was."""
    data = b''
    while len(data) < limit:
        try:
            more = sock.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return data, 'open'
        except OSError:
            return data, 'reset'
        if not more:
            return data, 'end'
        data += more
    return data, 'open'


def answers(data):
    """The answers in these bytes, as (status, body); one that is cut short, or bytes that are none, as (0, bytes)."""
    out = []
    while data:
        head, mark, rest = data.partition(b'\r\n\r\n')
        line = head.split(b'\r\n')[0].split(b' ')
        if not mark or line[0] != b'HTTP/1.1':
            return out + [(0, data)]
        length = 0
        for field in head.split(b'\r\n')[1:]:
            name, _, value = field.partition(b':')
            if name.lower() == b'content-length':
                length = int(value)
        if len(rest) < length:
            return out + [(0, data)]
        out.append((int(line[1]), rest[:length]))
        data = rest[length:]
    return out


def exchange(place, data, timeout=5.0, source='127.0.0.1'):
    """Send these bytes, and give the answers that come until the end, or for `timeout` seconds of silence."""
    sock = place.connect(source, timeout)
    try:
        try:
            sock.sendall(data)
        except OSError:
            pass  # refused before it was all sent: what was answered says why
        got, how = read_all(sock)
    finally:
        sock.close()
    return answers(got), how


def vector(data):
    """The bytes behind their length, RFC 9420 section 2.1.2."""
    n = len(data)
    if n < 64:
        return n.to_bytes(1, 'big') + data
    return (0x4000 | n).to_bytes(2, 'big') + data if n < 16384 else (0x80000000 | n).to_bytes(4, 'big') + data


class Queue:
    """A queue to be made with a POST, which leaves a trace on the relay that can be looked for."""

    def __init__(self, token):
        self.read = os.urandom(32)
        self.write = os.urandom(32)
        hashes = hashlib.sha256(self.read).digest() + hashlib.sha256(self.write).digest()
        self.body = bytes.fromhex(token) + hashes
        self.address = hashlib.sha256(b'\x0fdetente 1 queue' + hashes).hexdigest()

    def create(self):
        return request('POST', '/v1/queues', body=self.body)

    def look(self):
        return request('GET', '/v1/queues/%s/cells' % self.address, ['Authorization: Bearer ' + self.read.hex()])

    def append(self, cell):
        return request('POST', '/v1/queues/%s/cells' % self.address, ['Authorization: Bearer ' + self.write.hex()],
                       os.urandom(16) + vector(cell))

    def poll(self, wait):
        return request('POST', '/v1/poll?wait=%d' % wait,
                       body=vector(bytes.fromhex(self.address) + self.read + bytes(8)))


def request(method, target, fields=(), body=None, close=True):
    lines = ['%s %s HTTP/1.1' % (method, target), 'Host: localhost'] + list(fields)
    if close:
        lines.append('Connection: close')
    if body is not None:
        lines.append('Content-Length: %d' % len(body))
    return ('\r\n'.join(lines) + '\r\n\r\n').encode() + (body or b'')


def one(place, data, timeout=5.0, source='127.0.0.1'):
    """The status and body of a request that has one answer; (0, ...) when there is none."""
    try:
        got, _ = exchange(place, data, timeout, source)
    except OSError as e:
        return 0, str(e).encode()
    return got[0] if len(got) == 1 else (0, b'%d answers' % len(got))


class Findings:
    """Lines "ok: ..." and "FAILED: ..." for the scenario's findings()."""
    failed = 0

    def check(self, good, what, more=''):
        print(('ok: %s' % what) if good else 'FAILED: %s%s' % (what, ': %s' % (more,) if more != '' else ''), flush=True)
        self.failed += not good
        return good
