#!/usr/bin/env python3
"""A relay that does not keep to anything, between one agent (or witness) and the real detente-relay.

Use: hostile_relay.py --upstream PORT [--other PORT] --port-file FILE --mode FILE --log FILE
It serves on a free port of 127.0.0.1, written to --port-file. For each request it reads --mode, one line:
"honest", or an attack with its arguments. Every lie told is a line in --log. Give each agent its own, and each is
shown something else. It speaks docs/protocol-relay.md: queues are read whole from the real relay with the token
that the agent sends, changed, and shown with positions of its own making.

Attacks on a channel's queue (on the inbox with "inbox" behind them, on all with "both"); the cell meant is the first one that the agent
has not read when the attack begins:
  drop          leave it out, those after it move up         garbage     random bytes in its place
  hide          nothing from there on                        double      show it twice
  reorder       exchange it with the next                    swap        a cell of another queue in its place
  shuffle       exchange the next two                        ids         give each the append id of the next
  replay        an old cell once more, behind all
  cut           end the queue before what was read           gap         leave out its position
  flood         no end of random cells behind it             more        say that there is more, show nothing
Attacks on appending:
  unsaid        store it, answer 503                         hangup      store it, close the connection
  lie           answer 200 with a position, store nothing
Attacks on the register:
  freeze        the checkpoints of when it began             fork        those of the relay on port --other
  old           checkpoints from the smallest tree seen      mangle      random bytes for tiles and checkpoints
Attacks on HTTP, on requests whose path holds the second word (all without one):
  never  trickle  steady  huge  chunks  junk  nothing  redirect  lines  longline  interim  gzip  headless  twolengths  short
"""
import argparse
import gzip
import http.client
import json
import os
import random
import socket
import struct
import threading
import time

CELLS = '/cells'
HTTP_ATTACKS = ('never', 'trickle', 'steady', 'huge', 'chunks', 'junk', 'nothing', 'redirect', 'lines', 'longline',
                'interim', 'gzip', 'headless', 'twolengths', 'short')


def put_vec(b):
    n = len(b)
    if n < 64:
        return bytes([n]) + b
    if n < 16384:
        return struct.pack('>H', 0x4000 | n) + b
    return struct.pack('>I', 0x80000000 | n) + b


def get_vec(b, at):
    size = 1 << (b[at] >> 6)
    if size > 4:
        raise ValueError('a vector of no known length')
    n = int.from_bytes(b[at:at + size], 'big') & ((1 << (8 * size - 2)) - 1)
    return b[at + size:at + size + n], at + size + n


def decode_items(body):
    """[(append id, cell)] of an answer."""
    inner, _ = get_vec(body, 8)
    at, out = 0, []
    while at < len(inner):
        cell, end = get_vec(inner, at + 24)
        out.append((inner[at + 8:at + 24], cell))
        at = end
    return out


def count_appends(body):
    """Of a batch: append ids of 16 bytes, each with its cell."""
    appends, _ = get_vec(body, 0)
    n, at = 0, 0
    while at < len(appends):
        _, at = get_vec(appends, at + 16)
        n += 1
    return n


def encode_items(last, items):
    """items: [(position, append id, cell)]"""
    return struct.pack('>Q', last) + put_vec(b''.join(struct.pack('>Q', p) + i + put_vec(c) for p, i, c in items))


class Relay:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.random = random.Random(1)
        self.mode = 'honest'
        self.read = {}       # address -> position that the agent has read
        self.base = {}       # address -> the same when the attack began
        self.inbox = None    # the first queue ever read is the agent's inbox
        self.cells = {}      # address -> the last cell seen there
        self.small = {}      # register path -> the first answer seen
        self.frozen = {}
        self.noise = {}      # address, position -> the same random cell each time

    def log(self, **what):
        with open(self.args.log, 'a', encoding='utf-8') as f:
            f.write(json.dumps(dict(time=time.time(), **what)) + '\n')

    def attack(self):
        try:
            with open(self.args.mode, encoding='utf-8') as f:
                mode = f.read().strip() or 'honest'
        except FileNotFoundError:
            mode = 'honest'
        with self.lock:
            if mode != self.mode:
                self.mode = mode
                self.base = dict(self.read)
                self.frozen = {}
                self.noise = {}
        return mode.split()

    def upstream(self, request, port=None, target=None):
        c = http.client.HTTPConnection('127.0.0.1', port or self.args.upstream, timeout=100)
        try:
            headers = {k: v for k, v in request['headers'].items() if k in ('authorization', 'content-type')}
            c.request(request['method'], target or request['target'], request['body'] or None, headers)
            a = c.getresponse()
            return a.status, a.getheader('Content-Type') or 'application/octet-stream', a.read()
        finally:
            c.close()

    # ---- queues ----

    def whole_queue(self, request, address):
        items = []
        while True:
            status, kind, body = self.upstream(
                request, target='/v1/queues/%s/cells?after=%d&max=1024' % (address, len(items)))
            if status != 200:
                return status, kind, body, None
            more = decode_items(body)
            items += more
            if not more:
                return status, kind, body, items

    def random_cell(self, address, position, size=512):
        key = (address, position)
        if key not in self.noise:
            self.noise[key] = self.random.randbytes(size)
        return self.noise[key]

    def shown(self, what, address, items):
        """The queue as the agent is to see it: [(append id, cell)] and its end; None: as it is."""
        at = self.base.get(address, 0)
        out = list(items)
        last = None
        if what == 'cut':
            out = out[:max(0, at - 2)]
        elif what == 'replay':
            if out:
                out.append(out[max(0, at - 1)])
        elif what == 'flood':
            for i in range(1000):
                out.insert(at + i, (self.random_cell(('id', address), i, 16), self.random_cell(address, i)))
        elif what == 'more':
            last = len(out) + 5
        elif at >= len(out):
            return None
        elif what == 'drop':
            del out[at]
        elif what == 'hide':
            out = out[:at]
        elif what == 'garbage':
            out[at] = (out[at][0], self.random_cell(address, at, len(out[at][1])))
        elif what == 'swap':
            other = [c for a, c in self.cells.items() if a != address]
            if not other:
                return None
            out[at] = (out[at][0], other[0])
        elif what == 'double':
            out.insert(at + 1, out[at])
        elif at + 1 >= len(out):
            return None
        elif what == 'reorder':
            out[at], out[at + 1] = out[at + 1], out[at]
        elif what == 'ids':
            given = [i for i, _ in out[at + 1:] + out[at:at + 1]]
            out[at:] = [(i, c) for i, (_, c) in zip(given, out[at:])]
        elif what == 'shuffle' and at + 2 < len(out):
            out[at + 1], out[at + 2] = out[at + 2], out[at + 1]
        else:
            return None
        return out, last

    def read_queue(self, request, mode):
        address = request['path'].split('/')[3]
        after = int(request['query'].get('after', '0'))
        most = int(request['query'].get('max', '1024'))
        with self.lock:
            if self.inbox is None:
                self.inbox = address
        where = mode[1] if len(mode) > 1 else 'channel'
        meant = where == 'both' or (where == 'inbox') == (address == self.inbox)
        status, kind, body, items = self.whole_queue(request, address)
        if items is None:
            return status, kind, body
        with self.lock:
            if items:
                self.cells[address] = items[-1][1]
            view = self.shown(mode[0], address, items) if meant else None
            if mode[0] == 'honest':
                self.read[address] = max(self.read.get(address, 0), len(items))
            if view is not None:
                self.log(attack=' '.join(mode), address=address, after=after)
                items, end = view
            else:
                end = None
            shift = 1 if meant and mode[0] == 'gap' and after >= self.base.get(address, 0) else 0
            if shift and after < len(items):
                self.log(attack='gap', address=address, after=after)
        part, size = [], 0
        for i in range(after, min(len(items), after + most)):
            size += len(items[i][1]) + 40
            if part and size > 1 << 20:
                break
            part.append((i + 1 + shift,) + items[i])
        return 200, 'application/octet-stream', encode_items((end or len(items)) + (shift if part else 0), part)

    def append(self, request, mode):
        address = request['path'].split('/')[3]
        if mode[0] == 'lie':
            self.log(attack='lie', address=address)
            first = self.read.get(address, 0) + 1
            if not request['path'].endswith('/batch'):
                return 200, 'application/octet-stream', struct.pack('>Q', first)
            n = count_appends(request['body'])
            return 200, 'application/octet-stream', put_vec(b''.join(struct.pack('>HQ', 200, first + i) for i in range(n)))
        status, kind, body = self.upstream(request)
        if mode[0] == 'unsaid' and status == 200:
            self.log(attack='unsaid', address=address)
            return 503, 'application/json', b'{"error": "busy", "code": "busy"}'
        if mode[0] == 'hangup' and status == 200:
            self.log(attack='hangup', address=address)
            return None
        return status, kind, body

    # ---- the register ----

    def register(self, request, mode):
        target = request['target']
        checkpoint = '/checkpoint' in target
        port = self.args.other if mode[0] == 'fork' else None
        if mode[0] == 'fork':
            self.log(attack='fork', target=target)
        status, kind, body = self.upstream(request, port=port)
        if request['method'] != 'GET':
            return status, kind, body
        with self.lock:
            if status == 200 and checkpoint:
                self.small.setdefault(target, body)
            if mode[0] == 'freeze' and checkpoint:
                # From the first look on, and whoever asks for a larger one is told that there is none.
                first = self.frozen.setdefault(request['path'], (status, kind, body))
                self.log(attack='freeze', target=target)
                return (404, 'application/json', b'{}') if 'after' in request['query'] else first
            if mode[0] == 'old' and checkpoint and target in self.small:
                self.log(attack='old', target=target)
                return 200, kind, self.small[target]
            if mode[0] == 'mangle':
                self.log(attack='mangle', target=target)
                return 200, kind, self.random.randbytes(max(16, len(body)))
        return status, kind, body

    def answer(self, request, mode):
        if CELLS in request['path'] and request['method'] == 'GET':
            return self.read_queue(request, mode)
        if CELLS in request['path']:
            return self.append(request, mode)
        if request['path'].startswith('/r/'):
            return self.register(request, mode)
        return self.upstream(request)

    # ---- HTTP ----

    def trick(self, s, what):
        """Send what is no answer, until the other end has gone."""
        ok = b'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n'
        head, tail, pause = {
            'never': (b'', b'', 0.2),
            'trickle': (ok + b'Content-Length: 100000\r\n\r\n', b'x', 1),
            'steady': (ok + b'Content-Length: 1000000\r\n\r\n', b'x' * 200, 0.5),
            'huge': (ok + b'Content-Length: 2147483648\r\n\r\n', b'x' * 65536, 0),
            'chunks': (ok + b'Transfer-Encoding: chunked\r\n\r\n', b'10000\r\n' + b'x' * 65536 + b'\r\n', 0),
            'junk': (ok + b'Content-Length: 4096\r\n\r\n' + self.random.randbytes(4096), None, 0),
            'nothing': (b'', None, 0),
            'redirect': (b'HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n'
                         % self.args.upstream, None, 0),
            'lines': (ok, b'X-More: and more\r\n', 0),
            'longline': (ok + b'X: ', b'x' * 1024, 0),
            'interim': (b'', b'HTTP/1.1 100 Continue\r\n\r\n', 0),
            'gzip': (ok + b'Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n'
                     % len(self.bomb()) + self.bomb(), None, 0),
            'headless': (b'no header, only text\n' * 10, None, 0),
            'twolengths': (ok + b'Content-Length: 5\r\nContent-Length: 9\r\n\r\n12345', None, 0),
            'short': (ok + b'Content-Length: 1000\r\n\r\n12345', None, 0),
        }[what]
        try:
            s.sendall(head)
            while tail is not None:
                if tail:
                    s.sendall(tail)
                else:
                    s.settimeout(0.2)
                    try:
                        if s.recv(1) == b'':
                            return
                    except socket.timeout:
                        pass
                if pause:
                    time.sleep(pause)
        except OSError:
            pass

    _bomb = None

    def bomb(self):
        if Relay._bomb is None:
            Relay._bomb = gzip.compress(bytes(64 << 20), 9)
        return Relay._bomb

    def request(self, f):
        line = f.readline(65536).decode('ascii', 'replace').split()
        if len(line) != 3:
            return None
        headers = {}
        while True:
            h = f.readline(65536).rstrip(b'\r\n')
            if not h:
                break
            name, _, value = h.decode('ascii', 'replace').partition(':')
            headers[name.strip().lower()] = value.strip()
        path, _, query = line[1].partition('?')
        return {'method': line[0], 'target': line[1], 'path': path, 'headers': headers,
                'query': dict(p.partition('=')[::2] for p in query.split('&') if p),
                'body': f.read(int(headers.get('content-length', '0')))}

    def serve(self, s):
        with s, s.makefile('rb') as f:
            try:
                while True:
                    request = self.request(f)
                    if request is None:
                        return
                    mode = self.attack()
                    if mode[0] in HTTP_ATTACKS and (len(mode) == 1 or mode[1] in request['target']):
                        self.log(attack=' '.join(mode), target=request['target'])
                        self.trick(s, mode[0])
                        return
                    a = self.answer(request, mode)
                    if a is None:
                        return
                    s.sendall(('HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n'
                               % (a[0], a[1], len(a[2]))).encode() + a[2])
            except (OSError, http.client.HTTPException):
                return


def main():
    p = argparse.ArgumentParser(description='A relay that lies.')
    p.add_argument('--upstream', type=int, required=True)
    p.add_argument('--other', type=int)
    p.add_argument('--port-file', required=True)
    p.add_argument('--mode', required=True)
    p.add_argument('--log', required=True)
    args = p.parse_args()
    relay = Relay(args)
    server = socket.create_server(('127.0.0.1', 0), backlog=64)
    with open(args.port_file + '.part', 'w', encoding='ascii') as f:
        f.write('%d\n' % server.getsockname()[1])
    os.rename(args.port_file + '.part', args.port_file)
    while True:
        s, _ = server.accept()
        threading.Thread(target=relay.serve, args=(s,), daemon=True).start()


main()
