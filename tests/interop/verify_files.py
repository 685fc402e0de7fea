#!/usr/bin/env python3
"""Check a register that stands in files: that each checkpoint there is served whole, and nothing more stands there.

Use: tests/interop/verify_files.py DIR [EXACT]
DIR holds r/ID/checkpoint, checkpoint.held, checkpoint.final and tile/... (c2sp.org/tlog-tiles), and openings/index with
the files that it names by their hash. With EXACT, files that nothing there needs are an error too. Written from the C2SP texts alone, with Python's standard library only; prints the
size of each checkpoint, and how many openings there are.
"""
import base64
import glob
import hashlib
import os
import sys

WIDTH = 256


def sha256(b):
    return hashlib.sha256(b).digest()


def root_of(h):
    """RFC 6962 section 2.1 over leaf or node hashes of one level."""
    if not h:
        return sha256(b'')
    if len(h) == 1:
        return h[0]
    k = 1
    while k * 2 < len(h):
        k *= 2
    return sha256(b'\1' + root_of(h[:k]) + root_of(h[k:]))


def path_of(level, n, width):
    digits = '%03d' % (n % 1000)
    while n >= 1000:
        n //= 1000
        digits = 'x%03d/%s' % (n % 1000, digits)
    return 'tile/%s/%s' % (level, digits) + ('' if width == WIDTH else '.p/%d' % width)


def tiles_of(n):
    """(index, width) of the tiles that hold n hashes."""
    return [(i, min(WIDTH, n - i * WIDTH)) for i in range((n + WIDTH - 1) // WIDTH)]


class Register:
    def __init__(self, top):
        self.top = top
        self.used = set()

    def read(self, path):
        self.used.add(path)
        with open(os.path.join(self.top, path), 'rb') as f:
            return f.read()

    def leaves(self, size):
        out = []
        for i, width in tiles_of(size):
            bundle = self.read(path_of('entries', i, width))
            for _ in range(width):
                n = int.from_bytes(bundle[:2], 'big')
                entry, bundle = bundle[2:2 + n], bundle[2 + n:]
                assert len(entry) == n, 'an entry is cut short'
                out.append(sha256(b'\0' + entry))
            assert not bundle, 'a bundle is too long'
        return out

    def check(self, name):
        text = self.read(name).split(b'\n\n')[0].decode().split('\n')
        size, root = int(text[1]), base64.b64decode(text[2])
        row = self.leaves(size)
        assert root_of(row) == root, 'the entries lead elsewhere'
        level = 0
        while row:
            for i, width in tiles_of(len(row)):
                want = b''.join(row[i * WIDTH:i * WIDTH + width])
                assert self.read(path_of(level, i, width)) == want, 'a tile of level %d is another' % level
            row = [root_of(row[i * WIDTH:(i + 1) * WIDTH]) for i in range(len(row) // WIDTH)]
            level += 1
        return size


    def check_openings(self):
        """Each opening that the index names is there, under its hash."""
        names = self.read('openings/index').decode().splitlines(keepends=True)
        for name in names:
            assert name.endswith('\n'), 'the index is cut short'
            opening = self.read('openings/%s.proof' % name[:-1])
            assert hashlib.sha256(opening).hexdigest() == name[:-1], 'an opening is not what its name says'
        return len(names)


def main():
    top = sys.argv[1]
    for one in sorted(glob.glob(os.path.join(top, 'r', '*'))):
        register = Register(one)
        for name in ('checkpoint.final', 'checkpoint', 'checkpoint.held'):
            if os.path.exists(os.path.join(one, name)):
                print(os.path.basename(one), name, register.check(name))
        # A first export that is stopped has no index yet.
        if os.path.exists(os.path.join(one, 'openings/index')) or sys.argv[2:] == ['EXACT']:
            print(os.path.basename(one), 'openings', register.check_openings())
        if sys.argv[2:] == ['EXACT']:
            there = {os.path.relpath(os.path.join(d, f), one) for d, _, files in os.walk(one) for f in files}
            assert there == register.used, 'not needed: %s' % sorted(there - register.used)


if __name__ == '__main__':
    main()
