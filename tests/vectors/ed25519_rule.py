#!/usr/bin/env python3
"""The one rule for Ed25519 with plain integers, over the edge cases of C2SP/CCTV: which of them hold.

Use: ed25519_rule.py ed25519_edge.json. The rule: S < L, A canonical, neither A nor R of small order, and
encode([S]B - [h]A) = R byte for byte. Everything is computed from key, signature and message; the file's flags are
only compared with what was computed. The list must be that of docs/protocol-register.md and of kind_ed25519.c.
"""
import hashlib
import json
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, 'tools'))
from counting import Count  # noqa: E402

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ONE = (0, 1, 1, 0)  # the neutral element, in extended coordinates (RFC 8032 section 5.1.4)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def mul(s, p):
    q = ONE
    while s:
        if s & 1:
            q = add(q, p)
        p = add(p, p)
        s >>= 1
    return q


def encode(p):
    z = pow(p[2], P - 2, P)
    return (p[1] * z % P | (p[0] * z % P & 1) << 255).to_bytes(32, 'little')


def decode(b):
    """(point, is it canonical), or (None, False); RFC 8032 section 5.1.3, but y >= p and "-0" are decoded too."""
    n = int.from_bytes(b, 'little')
    sign, y = n >> 255, n & (1 << 255) - 1
    canonical, y = y < P, y % P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None, False
    if x & 1 != sign:
        canonical = canonical and x != 0
        x = -x % P
    return (x, y, 1, x * y % P), canonical


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))[0]


def small(p):
    return encode(mul(8, p)) == encode(ONE)


def judge(key, sig, msg):
    """(does it hold, the flags of the file that concern the form of A and R, as computed)"""
    (a, a_canonical), (r, r_canonical) = decode(key), decode(sig[:32])
    s = int.from_bytes(sig[32:], 'little')
    if a is None or r is None:
        return False, None
    form = {'non_canonical_A': not a_canonical, 'non_canonical_R': not r_canonical, 'low_order_A': small(a),
            'low_order_R': small(r)}
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + msg).digest(), 'little') % L
    minus_a = (-a[0] % P, a[1], 1, -a[3] % P)
    equal = encode(add(mul(s, BASE), mul(h, minus_a))) == sig[:32]
    return s < L and equal and a_canonical and not form['low_order_A'] and not form['low_order_R'], form


def numbers(path, pattern):
    """The list of numbers that ${pattern} finds in a file of the tree."""
    with open(os.path.join(TOP, path), encoding='utf-8') as f:
        found = re.search(pattern, f.read(), re.DOTALL)
    return [int(x) for x in re.findall(r'\d+', found.group(1))] if found else None


def main():
    count = Count()
    with open(sys.argv[1], encoding='utf-8') as f:
        cases = json.load(f)
    holds = []
    for c in cases:
        good, form = judge(bytes.fromhex(c['key']), bytes.fromhex(c['sig']), c['msg'].encode())
        if good:
            holds.append(c['number'])
        count.check(form is not None and all(v == (k in (c['flags'] or [])) for k, v in form.items()),
                    'number %d: its flags are not what its bytes are: %s' % (c['number'], form))
    print('of %d cases %d hold' % (len(cases), len(holds)))
    count.check(holds == numbers('docs/protocol-register.md', r'29 of these\nhold: ([\d, \n]*)\.'), 'the list in docs/protocol-register.md')
    count.check(holds == numbers('tests/vectors/kind_ed25519.c', r'holds\[\] = \{([\d, \n]*)\}'), 'the list in kind_ed25519.c')
    count.finish()


main()
