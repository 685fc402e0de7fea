"""What drivers and oracles of a relay share: its byte formats, a connection that is kept, a grant. Not a program."""
import hashlib
import json
import os
import socket
import struct
import subprocess

from rawhttp import answers, vector


def sha(b):
    return hashlib.sha256(b).digest()


def read_vec(b):
    """opaque b<V> of RFC 9420 section 2.1.2, and what follows it"""
    kind = b[0] >> 6
    if kind == 0:
        n, b = b[0], b[1:]
    elif kind == 1:
        n, b = struct.unpack('>H', b[:2])[0] & 0x3fff, b[2:]
    else:
        n, b = struct.unpack('>I', b[:4])[0] & 0x3fffffff, b[4:]
    return b[:n], b[n:]


def cells_of(body):
    """The last position of the queue, and [(position, append id, cell)], of an answer to GET cells."""
    items, rest = read_vec(body[8:])
    assert not rest, 'bytes behind the cells'
    out = []
    while items:
        position, append_id = struct.unpack('>Q16s', items[:24])
        cell, items = read_vec(items[24:])
        out.append((position, append_id, cell))
    return struct.unpack('>Q', body[:8])[0], out


def tree(entries):
    """RFC 6962 section 2.1"""
    if not entries:
        return sha(b'')
    level = [sha(b'\0' + e) for e in entries]
    while len(level) > 1:  # an odd one at the end goes up as it is
        level = [sha(b'\1' + level[i] + level[i + 1]) if i + 1 < len(level) else level[i]
                 for i in range(0, len(level), 2)]
    return level[0]


def entries_of(bundle):
    """The entries of an entry bundle."""
    out = []
    while bundle:
        n = struct.unpack('>H', bundle[:2])[0]
        out.append(bundle[2:2 + n])
        bundle = bundle[2 + n:]
    return out


def free_port():
    s = socket.socket()
    s.bind(('127.0.0.1', 0))
    port = s.getsockname()[1]
    s.close()
    return port


def make_grant(bin_dir, port, store, options=(), names=('a', 'b')):
    """A grant in ./grants, with a witness of each name in ./NAME.witness; the first party's."""
    make = [bin_dir + '/detente-relay', 'grant', '--store', store, '--url', 'http://127.0.0.1:%d' % port, '--out', 'grants',
            *options]
    for name in names:
        vkey = subprocess.run([bin_dir + '/detente', 'witness', 'keygen', '--name', 'w.example/' + name, '--out',
                               name + '.witness'], check=True, stdout=subprocess.PIPE).stdout.decode().strip()
        make += ['--party', name, '--witness', name + '=' + vkey]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    with open('grants/%s.grant' % names[0], encoding='utf-8') as f:
        return json.load(f)


class Connection:
    """One connection, made anew when it broke. ask() gives (status, body), or None when there was no whole answer."""

    def __init__(self, port, timeout=10):
        self.port, self.timeout = port, timeout
        self.sock = None

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock = None

    def ask(self, data):
        try:
            if self.sock is None:
                self.sock = socket.create_connection(('127.0.0.1', self.port), self.timeout)
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.sendall(data)
            got = b''
            while True:
                more = self.sock.recv(1 << 18)
                if not more:
                    self.close()
                    return None
                got += more
                if b'\r\n\r\n' in got:
                    answer = answers(got)
                    if len(answer) == 1 and answer[0][0] != 0:
                        return answer[0]
        except OSError:
            self.close()
            return None


def append_request(queue, append_id, cell):
    body = append_id + vector(cell)
    return ('POST /v1/queues/%s/cells HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n'
            % (queue.address, queue.write.hex(), len(body))).encode() + body


def read_request(queue, after):
    return ('GET /v1/queues/%s/cells?after=%d HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n'
            % (queue.address, after, queue.read.hex())).encode()


def entry_request(grant, seal):
    return ('POST %sappend HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 33\r\n\r\n'
            % (grant['register']['prefix'], grant['append_key'])).encode() + b'\1' + seal


def get_request(grant, path):
    return ('GET %s%s HTTP/1.1\r\nHost: localhost\r\n\r\n' % (grant['register']['prefix'], path)).encode()


def tile_path(index):
    """tlog-tiles: groups of three digits, an x before all but the last"""
    groups = ['%03d' % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, 'x%03d' % (index % 1000))
    return '/'.join(groups)


def remove_store(path):
    """The store and what SQLite keeps beside it."""
    folder, name = os.path.split(path)
    for f in os.listdir(folder or '.'):
        if f.startswith(name):
            os.unlink(os.path.join(folder, f))
