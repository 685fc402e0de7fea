#!/usr/bin/env python3
"""What talks to a relay's register beside agents and witnesses, while programs are killed; it feeds oracle.py.

Use: traffic.py watch GRANT SIGHTINGS            every checkpoint that the relay gives out, until killed
     traffic.py append GRANT JOURNAL PAUSE       a new seal every PAUSE seconds, until killed; each is asked again until
                                                 it is acknowledged, and now and then an old one is handed in once more
     traffic.py state NAME STATE SIGHTINGS       a witness's state as it lies on disk, from a copy
     traffic.py fetch GRANT FOLDER               the register's entries and tiles

Lines are appended with one write each, so that several of these may share a file.
"""
import base64
import http.client
import json
import os
import random
import secrets
import shutil
import sqlite3
import sys
import tempfile
import time
import urllib.parse


class Relay:
    """One connection to the register of a grant, made anew when it broke. Answers: (status, body), or None."""

    def __init__(self, grant):
        with open(grant, encoding='utf-8') as f:
            self.grant = json.load(f)
        self.address = urllib.parse.urlsplit(self.grant['relay']).netloc
        self.connection = None

    def ask(self, method, path, body=None, headers=None):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.address, timeout=20)
            self.connection.request(method, self.grant['register']['prefix'] + path, body, headers or {})
            answer = self.connection.getresponse()
            body = answer.read()
            # Python takes a header that breaks off for a whole one; the relay always says how long a body is.
            if answer.getheader('Content-Length') is None:
                raise http.client.HTTPException('the answer broke off')
            return answer.status, body
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            return None

    def get(self, path):
        return self.ask('GET', path)


def add_line(path, line):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(fd, (line + '\n').encode())
    finally:
        os.close(fd)


def watch(grant, sightings):
    relay, size, last = Relay(grant), 0, {}
    kinds = [('held', 'checkpoint.held'), ('attested', 'checkpoint'), ('final', 'checkpoint.final')]
    for w in relay.grant['witnesses']:
        kinds.append(('by-' + w['group'], 'checkpoint?by=' + w['vkey'].split('+')[1]))
    while True:
        news = relay.get('checkpoint.held?after=%d&wait=1' % size)
        for kind, path in kinds:
            # The held one is asked for without waiting as well: a smaller one than seen must not go unseen.
            for answer in ((news,) if kind == 'held' else ()) + (relay.get(path),):
                if answer is None or answer[0] != 200 or last.get(kind) == answer[1]:
                    continue
                last[kind] = answer[1]
                add_line(sightings, 'served %s %s' % (kind, base64.b64encode(answer[1]).decode()))
                if kind == 'held':
                    size = int(answer[1].split(b'\n')[1])
        if news is None:
            time.sleep(0.02)


def append(grant, journal, pause):
    relay, done = Relay(grant), []
    key = {'Authorization': 'Bearer ' + relay.grant['append_key'], 'Content-Type': 'application/octet-stream'}
    while True:
        seal = random.choice(done) if done and random.random() < 0.1 else secrets.token_hex(32)
        while True:
            answer = relay.ask('POST', 'append', b'\1' + bytes.fromhex(seal), key)
            if answer is not None and answer[0] == 200:
                break
            if answer is not None and answer[0] != 503:
                sys.exit('traffic.py: the relay answers %d to an entry: %s' % (answer[0], answer[1].decode('utf-8', 'replace')))
            time.sleep(0.02)
        add_line(journal, 'entry %d %s' % (int.from_bytes(answer[1], 'big'), seal))
        done.append(seal)
        time.sleep(pause)


def state(name, path, sightings):
    """From a copy: opening the file itself would recover it, and that is the witness's own work."""
    with tempfile.TemporaryDirectory() as work:
        for end in ('', '-wal'):
            if os.path.exists(path + end):
                shutil.copy(path + end, work + '/state' + end)
        if not os.path.exists(work + '/state'):
            return
        db = sqlite3.connect(work + '/state')
        row = db.execute('SELECT size, root, stopped FROM state').fetchone()
        db.close()
    if row is None:
        return
    if row[2]:
        sys.exit('traffic.py: the witness %s has stopped for good' % name)
    add_line(sightings, 'state %s %d %s' % (name, row[0], row[1].hex()))


def tile_path(index):
    groups = ['%03d' % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, 'x%03d' % (index % 1000))
    return '/'.join(groups)


def tiles_of(size):
    """Paths below tile/ of a tree: entry bundles first, then levels."""
    for level in ['entries'] + list(range(8)):
        count = size if level == 'entries' else size >> (8 * level)
        for index in range(count // 256):
            yield '%s/%s' % (level, tile_path(index))
        if count % 256:
            yield '%s/%s.p/%d' % (level, tile_path(count // 256), count % 256)


def fetch(grant, folder):
    relay = Relay(grant)
    status, note = relay.get('checkpoint.held')
    if status != 200:
        sys.exit('traffic.py: no checkpoint: %d' % status)
    with open(folder + '/entries', 'w', encoding='utf-8') as out:
        for path in tiles_of(int(note.split(b'\n')[1])):
            status, content = relay.get('tile/' + path)
            if status != 200:
                sys.exit('traffic.py: tile/%s: %d' % (path, status))
            if path.startswith('entries/'):
                while content:
                    n = int.from_bytes(content[:2], 'big')
                    out.write(content[2:2 + n].hex() + '\n')
                    content = content[2 + n:]
            else:
                name = folder + '/tiles/' + path
                os.makedirs(os.path.dirname(name), exist_ok=True)
                with open(name, 'wb') as f:
                    f.write(content)


def main(argv):
    if len(argv) == 4 and argv[1] == 'watch':
        watch(argv[2], argv[3])
    elif len(argv) == 5 and argv[1] == 'append':
        append(argv[2], argv[3], float(argv[4]))
    elif len(argv) == 5 and argv[1] == 'state':
        state(*argv[2:])
    elif len(argv) == 4 and argv[1] == 'fetch':
        fetch(argv[2], argv[3])
    else:
        sys.exit(__doc__.split('\n\n')[1])


if __name__ == '__main__':
    main(sys.argv)
