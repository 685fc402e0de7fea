"""What proof files are made of: Ed25519, TLS presentation language, values, keys and proofs of the register.

Written from docs/protocol-record.md and docs/protocol-register.md alone, with Python's standard library only; for tests.
"""
import base64
import hashlib
import re
from datetime import datetime, timedelta, timezone

MAX = {'file': 12 << 20, 'proof': 8 << 20, 'charter': 64 << 10, 'template': 32 << 10, 'value': 512 << 10,
       'tlog': 64 << 10, 'amendment': 72 << 10, 'letter': 4096, 'nodes': 1024, 'text': 16 << 10, 'bytes': 256 << 10, 'list': 4096,
       'items': 256, 'letters': 64, 'templates': 16, 'revocations': 64}


class Refused(Exception):
    """The first thing that does not hold."""


def need(holds, why):
    if not holds:
        raise Refused(why)


# ---- Ed25519: S < L, A canonical, neither A nor R of small order, encode([S]B - [h]A) = R byte for byte

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def ed_add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def ed_mul(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = ed_add(q, p)
        p = ed_add(p, p)
        n >>= 1
    return q


def ed_decode(b):
    """The point of 32 bytes, or None; y must be below P, and x = 0 has no sign."""
    y = int.from_bytes(b, 'little')
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * I % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def ed_encode(p):
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, 'little')


def small_order(p):
    return ed_encode(ed_mul(8, p)) == ed_encode((0, 1, 1, 0))


BASE = ed_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))


def usable_key(key):
    a = ed_decode(key)
    return a is not None and not small_order(a)


def ed_verify(key, message, sig):
    a, r, s = ed_decode(key), ed_decode(sig[:32]), int.from_bytes(sig[32:], 'little')
    if a is None or r is None or s >= L or small_order(a) or small_order(r):
        return False
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + message).digest(), 'little') % L
    minus_a = (P - a[0], a[1], 1, P - a[3])
    return ed_encode(ed_add(ed_mul(s, BASE), ed_mul(h, minus_a))) == sig[:32]


# ---- bytes

class Reader:
    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, n):
        need(n <= len(self.data) - self.at, '%s: too short' % self.what)
        self.at += n
        return self.data[self.at - n:self.at]

    def u(self, n):
        return int.from_bytes(self.take(n), 'big')

    def v(self, limit=1 << 30, least=0):
        first = self.u(1)
        need(first >> 6 < 3, '%s: a length of eight bytes' % self.what)
        size = 1 << (first >> 6)
        n = int.from_bytes(bytes([first & 0x3f]) + self.take(size - 1), 'big')
        need(size == 1 or n >= 1 << {2: 6, 4: 14}[size], '%s: a longer length header than needed' % self.what)
        need(least <= n <= limit, '%s: a length out of bounds' % self.what)
        return self.take(n)

    def more(self):
        return self.at < len(self.data)

    def end(self):
        need(not self.more(), '%s: trailing bytes' % self.what)


def each(data, what, read, limit):
    r, out = Reader(data, what), []
    while r.more():
        out.append(read(r))
        need(len(out) <= limit, '%s: too many' % what)
    return out


def vec(b):
    n = len(b)
    if n < 64:
        return bytes([n]) + b
    if n < 1 << 14:
        return (n | 1 << 14).to_bytes(2, 'big') + b
    return (n | 2 << 30).to_bytes(4, 'big') + b


def label(what):
    return vec(b'detente 1 ' + what.encode())


def hash_of(what, b):
    return hashlib.sha256(label(what) + b).digest()


def sha(b):
    return hashlib.sha256(b).digest()


def b64(text, what):
    need(re.fullmatch(r'[A-Za-z0-9+/]*={0,2}', text) and len(text) % 4 == 0, '%s: not base64' % what)
    out = base64.b64decode(text)
    need(base64.b64encode(out).decode() == text, '%s: not the one base64 form' % what)
    return out


def utf8(b, what, lines=False):
    try:
        s = b.decode('utf-8')
    except UnicodeDecodeError:
        raise Refused('%s: not UTF-8' % what) from None
    for c in s:
        need(not (ord(c) < 0x20 or 0x7f <= ord(c) <= 0x9f) or (lines and c == '\n'), '%s: control character' % what)
    return s


# ---- values

TYPES = {'text': 1, 'ltext': 2, 'int': 3, 'decimal': 4, 'bool': 5, 'enum': 6, 'date': 7, 'datetime': 8, 'duration': 9,
         'latlon': 10, 'area': 11, 'lang': 12, 'party': 13, 'ref': 14, 'hash': 15, 'map': 16, 'author': 17,
         'reference': 18, 'bytes': 19, 'account': 20}
NAME = {v: k for k, v in TYPES.items()}
LIST = 0x80
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MS_MAX = 0xe677d21fdbff


def when(ms):
    """RFC 3339 in UTC, with milliseconds only where there are some."""
    t = EPOCH + timedelta(milliseconds=ms)
    return t.strftime('%Y-%m-%dT%H:%M:%S').rjust(19, '0') + ('.%03d' % (ms % 1000) if ms % 1000 else '') + 'Z'


def signed(b):
    return int.from_bytes(b, 'big', signed=True)


def degrees(n):
    s = '%d.%07d' % divmod(abs(n), 10**7)
    return ('-' if n < 0 else '') + s.rstrip('0').rstrip('.')


def point(b):
    need(len(b) == 8, 'latlon: length')
    lat, lon = signed(b[:4]), signed(b[4:])
    need(abs(lat) <= 90 * 10**7 and -180 * 10**7 < lon <= 180 * 10**7, 'latlon: out of range')
    return degrees(lat) + ',' + degrees(lon)


def check_area(b):
    r = Reader(b, 'area')
    form = r.u(1)
    if form == 1:
        points = each(r.v(), 'area', lambda q: q.take(8), MAX['list'])
        shown = [point(p) for p in points]
        need(len(points) >= 3, 'area: under three points')
        need(all(points[i] != points[i - 1] for i in range(len(points))), 'area: a point twice in a row')
        out = ' '.join(shown)
    else:
        need(form == 2, 'area: unknown form')
        out, radius = point(r.take(8)), r.u(4)
        need(1 <= radius <= 21000000, 'area: radius')
        out += ' r%d' % radius
    r.end()
    return out


def check_map(b, account):
    def pair(r):
        key, kind, value = r.v(40, 1), r.u(1), r.v(MAX['value'])
        utf8(key, 'key of a map')
        need(kind & ~LIST in NAME and kind & ~LIST not in (16, 20), 'map: a type that cannot stand in it')
        need(account or kind < LIST, 'map: a list in it')
        if not (account and value == b''):
            check_value(kind, value, None)
        return key, kind, value
    pairs = each(b, 'map', pair, MAX['list'])
    need(all(pairs[i][0] < pairs[i + 1][0] for i in range(len(pairs) - 1)), 'map: not sorted, or a key twice')
    return pairs


def lang_ok(s):
    m = re.fullmatch(r'(?P<l>[a-z]{2,8}(?:-[a-z]{3}){0,3})?(?:-(?P<s>[A-Z][a-z]{3}))?(?:-(?P<r>[A-Z]{2}|[0-9]{3}))?'
                     r'(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-x(?:-[a-z0-9]{1,8})+)?', s)
    return m is not None and m.group('l') is not None and len(s) <= 35


def check_value(kind, b, values, in_list=False):
    """Refuses what is not the one form of its type. VALUES: names of an enum's values."""
    need(len(b) <= MAX['value'], 'value: too long')
    if kind & LIST:
        for item in each(b, 'list', lambda r: r.v(), MAX['list']):
            check_value(kind & ~LIST, item, values, True)
        return
    n = NAME.get(kind)
    if n in ('text', 'ltext'):
        need((0 if in_list else 1) <= len(b) <= MAX['text'], 'text: length')
        utf8(b, n, n == 'ltext')
    elif n == 'int':
        need(len(b) == 8, 'int: length')
    elif n == 'decimal':
        need(len(b) <= 40 and re.fullmatch(rb'-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?', b) and b != b'-0', 'decimal: form')
    elif n == 'bool':
        need(b in (b'\0', b'\1'), 'bool: not 00 or 01')
    elif n == 'enum':
        need(len(b) == 2 and int.from_bytes(b, 'big') >= 1, 'enum: no place')
        need(values is None or int.from_bytes(b, 'big') <= len(values), 'enum: past the end')
    elif n == 'date':
        need(len(b) == 4 and -719162 <= signed(b) <= 2932896, 'date: out of range')
    elif n in ('datetime', 'duration'):
        need(len(b) == 8 and int.from_bytes(b, 'big') <= MS_MAX, n + ': out of range')
    elif n == 'latlon':
        point(b)
    elif n == 'area':
        check_area(b)
    elif n == 'lang':
        need(b.isascii() and lang_ok(b.decode()), 'lang: form')
    elif n == 'party':
        need(b in (b'\2', b'\3') or (len(b) == 33 and b[0] == 1), 'party: form')
    elif n == 'ref':
        need(len(b) in (16, 32), 'ref: length')
    elif n == 'hash':
        need(len(b) == 32, 'hash: length')
    elif n == 'map':
        check_map(b, False)
    elif n == 'account':
        check_map(b, True)
    elif n == 'author':
        need(len(b) == 96, 'author: length')
    elif n == 'reference':
        r = Reader(b, 'reference')
        what, x = r.u(1), r.v()
        r.end()
        need({1: len(x) == 32, 2: len(x) == 16, 3: 1 <= len(x) <= 64}.get(what, False), 'reference: form')
        if what == 3:
            utf8(x, 'reference')
    elif n == 'bytes':
        need(len(b) <= MAX['bytes'], 'bytes: length')
    else:
        raise Refused('value: unknown type %d' % kind)


def span(ms):
    if ms == 0:
        return 'PT0S'
    days, rest = divmod(ms, 86400000)
    hours, rest = divmod(rest, 3600000)
    minutes, rest = divmod(rest, 60000)
    seconds = ('%d.%03d' % divmod(rest, 1000)).rstrip('0').rstrip('.')
    clock = ('%dH' % hours if hours else '') + ('%dM' % minutes if minutes else '') + (seconds + 'S' if rest else '')
    return 'P' + ('%dD' % days if days else '') + ('T' + clock if clock else '')


def show(kind, b, values, charter):
    """What people see of a canonical value."""
    if kind & LIST:
        items = [show(kind & ~LIST, i, values, charter) for i in each(b, 'list', lambda r: r.v(), MAX['list'])]
        return ';'.join(i.replace('\\', '\\\\').replace(';', '\\;') for i in items)
    n = NAME[kind]
    if n in ('text', 'ltext', 'decimal', 'lang'):
        return b.decode()
    if n == 'int':
        return str(signed(b))
    if n == 'bool':
        return 'true' if b == b'\1' else 'false'
    if n == 'enum':
        return values[int.from_bytes(b, 'big') - 1] if values else str(int.from_bytes(b, 'big'))
    if n == 'date':
        return (EPOCH + timedelta(days=signed(b))).strftime('%Y-%m-%d').rjust(10, '0')
    if n == 'datetime':
        return when(int.from_bytes(b, 'big'))
    if n == 'duration':
        return span(int.from_bytes(b, 'big'))
    if n == 'latlon':
        return point(b)
    if n == 'area':
        return check_area(b)
    if n == 'party':
        if b[0] != 1:
            return 'both' if b[0] == 2 else 'mediator'
        p = charter.by_id.get(b[1:])
        return p.name if p else b[1:].hex()
    return b.hex()


# ---- register

class Key:
    """A C2SP verifier key."""

    def __init__(self, vkey, kind):
        text = utf8(vkey, 'vkey')
        parts = text.split('+', 2)
        need(len(parts) == 3, 'vkey: form')
        self.name = parts[0]
        need(1 <= len(self.name.encode()) <= 255 and not any(c.isspace() or c < ' ' for c in self.name), 'vkey: name')
        raw = b64(parts[2], 'vkey')
        need(len(raw) == 33 and raw[0] == kind, 'vkey: type')
        self.id, self.public = sha(self.name.encode() + b'\n' + raw)[:4], raw[1:]
        need(parts[1] == self.id.hex(), 'vkey: id')
        need(usable_key(self.public), 'vkey: unusable key')


def decimal(s, what):
    need(re.fullmatch(r'0|[1-9][0-9]{0,18}', s), '%s: not a decimal' % what)
    need(int(s) < 1 << 63, '%s: too large' % what)
    return int(s)


class Checked:
    """A checked tlog-proof: index, size, and per party the earliest time of its witnesses in ms."""

    def __init__(self, text, entry, charter):
        lines = utf8(text, 'tlog-proof', True).split('\n')
        need(lines[0] == 'c2sp.org/tlog-proof@v1' and len(lines) > 2, 'tlog-proof: first line')
        need(lines[1].startswith('index '), 'tlog-proof: index')
        self.index = decimal(lines[1][6:], 'tlog-proof: index')
        need('' in lines[2:], 'tlog-proof: no note')
        blank = lines.index('', 2)
        path = [b64(s, 'tlog-proof: hash') for s in lines[2:blank]]
        need(all(len(h) == 32 for h in path), 'tlog-proof: hash')
        note = '\n'.join(lines[blank + 1:])
        need(note.endswith('\n') and '\n\n' in note, 'note: form')
        body, sigs = note.rsplit('\n\n', 1)
        body += '\n'
        head = body.split('\n')
        need(len(head) >= 4 and head[-1] == '' and '' not in head[:-1], 'checkpoint: lines')
        charter = next((x for x in charter.registers if x.origin == head[0]), None)
        need(charter, 'checkpoint: of another register')
        self.size, root = decimal(head[1], 'checkpoint: size'), b64(head[2], 'checkpoint: root')
        need(len(root) == 32, 'checkpoint: root')
        if charter.end:
            need(self.size <= charter.end[0], 'checkpoint: behind the end of its register')
            need(self.size < charter.end[0] or root == charter.end[1], 'checkpoint: another root than the last good one')
        self.groups, times = {}, {}
        signed_by_register = False
        for s in sigs.split('\n')[:-1]:
            m = re.fullmatch('\u2014 ([^ ]+) ([^ ]+)', s)
            need(m, 'note: signature line')
            raw = b64(m.group(2), 'note: signature')
            found = [(p, k) for p, k in charter.witnesses + [(None, charter.register)]
                     if k.name == m.group(1) and k.id == raw[:4]]
            need(len(found) == 1, 'note: a line of a key that is not the charter\'s')
            party, key = found[0]
            if party is None:
                need(len(raw) == 68 and ed_verify(key.public, body.encode(), raw[4:]), 'checkpoint: signature')
                signed_by_register = True
            else:
                need(len(raw) == 76, 'cosignature: length')
                at = int.from_bytes(raw[4:12], 'big')
                need(at < 1 << 63, 'cosignature: time')
                said = 'cosignature/v1\ntime %d\n%s' % (at, body)
                need(ed_verify(key.public, said.encode(), raw[12:]), 'cosignature: signature')
                times[party, key.id] = min(at, times.get((party, key.id), at))
        need(signed_by_register, 'checkpoint: not signed by the register')
        for (party, _), at in times.items():
            if 0 < at <= 253402300799:
                self.groups[party] = min(at * 1000, self.groups.get(party, at * 1000))
        self.check_path(sha(b'\0' + entry), path, root)
        self.attested = len(self.groups) >= charter.quorum_attested

    def check_path(self, h, path, root):
        need(self.index < self.size, 'inclusion: index past the size')
        inner = (self.index ^ (self.size - 1)).bit_length()
        need(len(path) == inner + bin(self.index >> inner).count('1'), 'inclusion: number of hashes')
        for i, sibling in enumerate(path):
            left = i >= inner or self.index >> i & 1
            h = sha(b'\1' + (sibling + h if left else h + sibling))
        need(h == root, 'inclusion: another root')

    def time_for(self, party):
        """The earliest time of a group other than the author's, or None."""
        return min((t for p, t in self.groups.items() if p != party), default=None)
