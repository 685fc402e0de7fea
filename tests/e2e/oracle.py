#!/usr/bin/env python3
"""What was acknowledged is remembered here, and compared with what is there afterwards.

Use: oracle.py judge FOLDER     every rule on what a scenario has gathered; a line `ok: ...` or `FAILED: ...` for each
     oracle.py places FILE [CLASS]...   the histogram of kills; status 1 when too few of them were in these classes

FOLDER holds, as far as the scenario has it:
  journal             in the order in which users saw it:
                        said WHO ID TEXT              the program printed this id for that message
                        tried WHO TEXT                it was killed before it printed one
                        record WHO COMMITMENT SUBJECT / record-tried WHO SUBJECT   the same of records
                        entry INDEX SEAL              the register acknowledged a seal, with that index
  sightings           in order of time:
                        served KIND BASE64            a checkpoint that the relay gave out: held, attested,
                                                      final, by-NAME (the largest that NAME cosigned)
                        cosigned NAME SIZE            a witness said so
                        state NAME SIZE ROOT          its state on disk
  WHO.read.json, WHO.records.json, WHO.alarms.json, WHO.status.json, WHO.ratchets
                      what the programs of WHO say at the end
  shown/COMMITMENT.json   records of which no user was told: what they are about
  entries, tiles/     the register at the end: a line of hex an entry; the tiles as served
  grant.json          one grant, for the keys of register and witnesses

Nothing is repaired and nothing is taken on trust: trees are built anew from the entries, signatures are checked with
tests/interop/formats.py, which was written from the documents alone.
"""
import base64
import collections
import functools
import glob
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'interop'))
from formats import BASE, L, P, Key, Refused, ed_add, ed_decode, ed_encode, small_order  # noqa: E402


def sha(b):
    return hashlib.sha256(b).digest()


class Multiples:
    """The multiples of one point, by a table of 64 rows of 16: many signatures of few keys are checked."""

    def __init__(self, point):
        self.rows = []
        for _ in range(64):
            row = [(0, 1, 1, 0)]
            for _ in range(15):
                row.append(ed_add(row[-1], point))
            self.rows.append(row)
            point = ed_add(row[15], point)

    def of(self, n):
        q = (0, 1, 1, 0)
        for row in self.rows:
            if n & 15:
                q = ed_add(q, row[n & 15])
            n >>= 4
        return q


@functools.lru_cache(maxsize=None)
def multiples(key):
    """Of minus the public key; of the base point for None."""
    if key is None:
        return Multiples(BASE)
    x, y, _, t = ed_decode(key)
    return Multiples((P - x, y, 1, P - t))


def ed_verify(key, message, sig):
    """As ed_verify() of formats.py, by tables; ${key} was found usable when it was read."""
    r, s = ed_decode(sig[:32]), int.from_bytes(sig[32:], 'little')
    if len(sig) != 64 or r is None or s >= L or small_order(r):
        return False
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + message).digest(), 'little') % L
    return ed_encode(ed_add(multiples(None).of(s), multiples(key).of(h))) == sig[:32]


def twice(items):
    """What stands in ${items} more than once, in order."""
    return [x for x, n in collections.Counter(items).items() if n > 1]


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as f:
        return f.read().splitlines()


class World:
    """All that is compared; tests make one by hand."""

    def __init__(self):
        self.said = []      # (who, id, text), in order
        self.tried = []     # (who, text)
        self.recorded = []  # (who, commitment, subject)
        self.record_tried = []
        self.entered = []   # (index, seal in hex)
        self.sightings = []  # ('served', kind, note) | ('cosigned', name, size) | ('state', name, size, root)
        self.talk = {}      # who: list of messages, as `read --json` has them
        self.records = {}
        self.alarms = {}
        self.status = {}
        self.shown = {}     # commitment: subject, of records that nobody was told of
        self.ratchets = {}  # who: list of (group, epoch, own leaf, leaf, kind, next, kept)
        self.names = {}     # who: name in the letter
        self.entries = None
        self.tiles = {}     # path: bytes
        self.register_key = None
        self.witness_keys = {}  # name: Key

    def journal(self, lines):
        lists = {'said': (self.said, 3), 'tried': (self.tried, 2), 'record': (self.recorded, 3),
                 'record-tried': (self.record_tried, 2), 'entry': (self.entered, 2)}
        for line in lines:
            word, *rest = line.split(' ', 1)
            where, n = lists.get(word, (None, 0))
            parts = tuple(rest[0].split(' ', n - 1)) if rest else ()
            if where is None or len(parts) != n:
                raise ValueError('the journal has a line that is not understood: ' + line)
            where.append((int(parts[0]), parts[1]) if word == 'entry' else parts)

    def saw(self, lines):
        for line in lines:
            word, name, rest = line.split(' ', 2)
            if word == 'served':
                self.sightings.append((word, name, base64.b64decode(rest, validate=True)))
            elif word == 'cosigned':
                self.sightings.append((word, name, int(rest)))
            elif word == 'state':
                size, root = rest.split(' ')
                self.sightings.append((word, name, int(size), bytes.fromhex(root)))
            else:
                raise ValueError('the sightings have a line that is not understood: ' + line)

    def load(self, folder):
        self.journal(read_lines(folder + '/journal'))
        self.saw(read_lines(folder + '/sightings'))
        for field, key in (('read', 'talk'), ('records', 'records'), ('alarms', 'alarms'), ('status', None)):
            for path in glob.glob('%s/*.%s.json' % (folder, field)):
                who = os.path.basename(path).split('.')[0]
                with open(path, encoding='utf-8') as f:
                    value = json.load(f)
                getattr(self, key or field)[who] = value[key] if key else value
        for path in glob.glob(folder + '/*.ratchets'):
            who = os.path.basename(path).split('.')[0]
            rows = [line.split(' ') for line in read_lines(path)]
            self.ratchets[who] = [(r[1],) + tuple(int(x) for x in r[2:5]) + (r[5], int(r[6]), int(r[7])) for r in rows]
        for path in glob.glob(folder + '/shown/*.json'):
            with open(path, encoding='utf-8') as f:
                value = json.load(f)
            self.shown[value['commitment']] = value['fields'].get('subjects', '')
        for who, status in self.status.items():
            self.names[who] = status['self']['name']
        if os.path.exists(folder + '/entries'):
            self.entries = [bytes.fromhex(line) for line in read_lines(folder + '/entries')]
        for path in glob.glob(folder + '/tiles/**', recursive=True):
            if os.path.isfile(path):
                with open(path, 'rb') as f:
                    self.tiles[os.path.relpath(path, folder + '/tiles')] = f.read()
        if os.path.exists(folder + '/grant.json'):
            with open(folder + '/grant.json', encoding='utf-8') as f:
                grant = json.load(f)
            self.register_key = Key(grant['register']['vkey'].encode(), 1)
            self.witness_keys = {w['group']: Key(w['vkey'].encode(), 4) for w in grant['witnesses']}
        return self

    def groups(self):
        return {r[0] for rows in self.ratchets.values() for r in rows}


# ---- the rules: each returns what is wrong, as lines; none is fine

def acknowledged_talk(w):
    """every acknowledged message is there exactly once on all sides"""
    wrong = ['nothing was acknowledged'] if not w.said else []
    for view, talk in w.talk.items():
        ids = collections.Counter(m['id'] for m in talk)
        by_id = {m['id']: m for m in talk}
        texts = collections.Counter((m['from']['name'], m.get('text')) for m in talk)
        for who, i, text in w.said:
            if ids[i] != 1:
                wrong.append('%s has %s of %s %d times: %s' % (view, i, who, ids[i], text))
            elif by_id[i].get('text') != text or by_id[i]['from']['name'] != w.names[who]:
                wrong.append('%s has another message under %s: %s' % (view, i, by_id[i].get('text')))
            if texts[w.names[who], text] != 1:
                wrong.append('%s has "%s" of %s %d times' % (view, text, who, texts[w.names[who], text]))
    return wrong


def other_talk(w):
    """what was not acknowledged is there at most once, and there is nothing that nobody said"""
    wrong = []
    acknowledged = {i for _, i, _ in w.said}
    tried = collections.Counter((w.names[who], text) for who, text in w.tried)
    for view, talk in w.talk.items():
        rest = collections.Counter((m['from']['name'], m.get('text')) for m in talk if m['id'] not in acknowledged)
        for m in rest:
            if rest[m] > tried[m]:
                wrong.append('%s has "%s" of %s %d times, and it was tried %d times' % (view, m[1], m[0], rest[m], tried[m]))
        wrong += ['%s has the id %s more than once' % (view, i) for i in twice(m['id'] for m in talk)]
    return wrong


def same_order(w):
    """the order is the same on all sides, and each one's messages stand in the order in which they were said"""
    wrong, orders = [], {}
    for view, talk in w.talk.items():
        for m in talk:
            if m['state'] not in ('confirmed', 'received') or m['unconfirmed']:
                wrong.append('%s: "%s" is %s%s' % (view, m.get('text'), m['state'], ', unconfirmed' * m['unconfirmed']))
        wrong += ['%s has two messages at position %d' % (view, p) for p in twice(m['position'] for m in talk)]
        orders[view] = [(m['position'], m['id']) for m in sorted(talk, key=lambda m: m['position'])]
    for view, order in orders.items():
        first = next(iter(orders))
        for a, b in zip(orders[first], order):
            if a != b:
                wrong.append('%s has %s at position %d, %s has %s at %d' % (first, a[1], a[0], view, b[1], b[0]))
                break
        if len(order) != len(orders[first]):
            wrong.append('%s has %d messages, %s has %d' % (first, len(orders[first]), view, len(order)))
        place = {i: p for p, i in order}
        last = {}
        for who, i, text in w.said:
            if i in place and last.get(who, -1) > place[i]:
                wrong.append('%s has "%s" of %s before what was said earlier' % (view, text, who))
            last[who] = max(last.get(who, -1), place.get(i, -1))
    return wrong


def generations_seen(w):
    """no generation of any sender came up twice"""
    wrong, one = [], {}
    for view, talk in w.talk.items():
        seen = [(m['epoch'], m['leaf'], m['generation']) for m in talk]
        wrong += ['%s saw epoch %d, leaf %d, generation %d twice' % ((view,) + g) for g in twice(seen)]
        for m, g in zip(talk, seen):
            if one.setdefault(m['id'], g) != g:
                wrong.append('%s has "%s" under another generation than others do' % (view, m.get('text')))
    return wrong


def generations_counted(w):
    """senders' and receivers' counters agree, and stand above every generation seen"""
    wrong, own, compared = [], {}, 0
    present = {(who, r[0]): max(x[1] for x in rows if x[0] == r[0]) for who, rows in w.ratchets.items() for r in rows}
    seen = collections.defaultdict(lambda: -1)
    for talk in w.talk.values():
        for m in talk:
            seen[m['epoch'], m['leaf']] = max(seen[m['epoch'], m['leaf']], m['generation'])
    for who, rows in w.ratchets.items():
        for group, epoch, mine, leaf, kind, following, kept in rows:
            if leaf == mine:
                own[group, epoch, leaf, kind] = (who, following)
            if kept:
                wrong.append('%s: %d generations of leaf %d in epoch %d never came (%s)' % (who, kept, leaf, epoch, kind))
            if kind == 'application' and following <= seen[epoch, leaf] and len(w.groups()) == 1:
                wrong.append('%s: next generation of leaf %d in epoch %d is %d, but %d was seen'
                             % (who, leaf, epoch, following, seen[epoch, leaf]))
    for who, rows in w.ratchets.items():
        for group, epoch, mine, leaf, kind, following, _ in rows:
            sender = own.get((group, epoch, leaf, kind))
            if leaf == mine or sender is None:
                continue
            compared += 1
            # Of two Commits for one epoch the second is passed over: its sender has counted it, others need not.
            # And what was protected in an epoch that ended before it left is protected anew in the next.
            exact = kind == 'application' and epoch == present[who, group]
            if following > sender[1] or (exact and following != sender[1]):
                wrong.append('%s took in %d of leaf %d in epoch %d, %s counts %d (%s)'
                             % (who, following, leaf, epoch, sender[0], sender[1], kind))
    if not compared:
        wrong.append('no counter was compared')
    return wrong


def records_once(w):
    """every acknowledged record is there exactly once on all sides, entered in the register at one place"""
    wrong = ['no record was acknowledged'] if not w.recorded else []
    acknowledged = {c for _, c, _ in w.recorded}
    tried = collections.Counter(subject for _, subject in w.record_tried)
    places = {}
    for view, records in w.records.items():
        n = collections.Counter(r['commitment'] for r in records)
        for who, commitment, subject in w.recorded:
            if n[commitment] != 1:
                wrong.append('%s has the record "%s" of %s %d times' % (view, subject, who, n[commitment]))
        wrong += ['%s has the commitment %s more than once' % (view, c) for c in twice(r['commitment'] for r in records)]
        rest = collections.Counter(w.shown.get(c, 'nobody looked') for c in n if c not in acknowledged)
        for subject in rest:
            if rest[subject] > tried[subject]:
                wrong.append('%s has a record "%s" %d times, and it was tried %d times'
                             % (view, subject, rest[subject], tried[subject]))
        for r in records:
            if 'entry' not in r:
                wrong.append('%s: record %s is not in the register' % (view, r['commitment']))
            elif places.setdefault(r['commitment'], r['entry']) != r['entry']:
                wrong.append('%s has record %s at entry %d, others at %d'
                             % (view, r['commitment'], r['entry'], places[r['commitment']]))
    wrong += ['two records stand at entry %d' % e for e in twice(places.values())]
    for view, records in w.records.items():
        missing = set(places) - {r['commitment'] for r in records}
        wrong += ['%s lacks the record %s' % (view, c) for c in sorted(missing)]
    return wrong


def at_rest(w):
    """everyone has come to rest: channels open, in one epoch, nothing left to send or to hand in, no alarm"""
    wrong, where = [], {}
    for who, alarms in w.alarms.items():
        wrong += ['%s has an alarm: %s' % (who, a['text']) for a in alarms]
    for who, status in w.status.items():
        for ch in status['channels']:
            if ch['state'] != 'open' or not ch['confirmed'] or ch['to_send']:
                wrong.append('%s: channel %s is %s, %d to send' % (who, ch['name'], ch['state'], ch['to_send']))
            at = (ch['epoch'], ch['epoch_authenticator'], ch['position'], ch['queue_number'])
            if where.setdefault(ch['group_id'], at) != at:
                wrong.append('%s: channel %s stands elsewhere than with others' % (who, ch['name']))
        register = status['register']
        if register['waiting']:
            wrong.append('%s has %d seals to hand in' % (who, register['waiting']))
        if w.entries is not None and register['size'] != len(w.entries):
            wrong.append('%s holds %d entries, the register %d' % (who, register['size'], len(w.entries)))
    return wrong


# ---- the register

def roots_of(entries):
    """The root at every size from 0 (RFC 6962 section 2.1), one leaf after the other."""
    roots, stack = [sha(b'')], []
    for i, entry in enumerate(entries):
        h, n = sha(b'\0' + entry), i
        while n & 1:
            h = sha(b'\1' + stack.pop() + h)
            n >>= 1
        stack.append(h)
        root = stack[-1]
        for left in reversed(stack[:-1]):
            root = sha(b'\1' + left + root)
        roots.append(root)
    return roots


def split_note(note):
    """Body, origin, size, root, and the signature lines as (name, key id, signature)."""
    body, _, sigs = note.decode('utf-8').rpartition('\n\n')
    head = body.split('\n')
    if len(head) != 3 or not sigs.endswith('\n'):
        raise Refused('a note that is no checkpoint')
    lines = []
    for line in sigs.splitlines():
        m = re.fullmatch('\u2014 ([^ ]+) ([^ ]+)', line)
        if not m:
            raise Refused('a signature line that is none')
        raw = base64.b64decode(m.group(2), validate=True)
        lines.append((m.group(1), raw[:4], raw[4:]))
    return body + '\n', head[0], int(head[1]), base64.b64decode(head[2], validate=True), lines


def checkpoints(w):
    """The distinct checkpoints seen: (body, size, root, lines with a known key), in the order seen."""
    seen = {}
    for s in w.sightings:
        if s[0] == 'served':
            body, origin, size, root, lines = split_note(s[2])
            entry = seen.setdefault(body, (origin, size, root, set()))
            entry[3].update(lines)
    return [(body,) + v for body, v in seen.items()]


def cosigner(w, name, key_id):
    return next((n for n, k in w.witness_keys.items() if (k.name, k.id) == (name, key_id)), None)


def checkpoints_hold(w):
    """every checkpoint ever served is signed, and the register at the end begins with its tree"""
    wrong, roots = [], roots_of(w.entries)
    seen = checkpoints(w)
    if len(seen) < 2:
        wrong.append('only %d checkpoints were seen' % len(seen))
    for body, origin, size, root, lines in seen:
        ours = [sig for name, key_id, sig in lines if (name, key_id) == (w.register_key.name, w.register_key.id)]
        if origin != w.register_key.name or not ours:
            wrong.append('the checkpoint of size %d is not of this register' % size)
        elif not all(ed_verify(w.register_key.public, body.encode(), sig) for sig in ours):
            wrong.append('the checkpoint of size %d has a bad signature' % size)
        if size >= len(roots):
            wrong.append('a checkpoint of size %d was served, the register has %d entries' % (size, len(w.entries)))
        elif roots[size] != root:
            wrong.append('the checkpoint of size %d contradicts the register' % size)
        for name, key_id, sig in lines:
            who = cosigner(w, name, key_id)
            said = 'cosignature/v1\ntime %d\n%s' % (int.from_bytes(sig[:8], 'big'), body)
            if who and not ed_verify(w.witness_keys[who].public, said.encode(), sig[8:]):
                wrong.append('%s: bad cosignature for size %d' % (who, size))
    return wrong


def never_back(w):
    """what was served never got smaller, nor did any witness's state, which was never below what it had cosigned"""
    wrong, last, cosigned, state = [], {}, collections.defaultdict(int), {}
    roots = roots_of(w.entries)
    for s in w.sightings:
        if s[0] == 'served':
            _, _, size, _, lines = split_note(s[2])
            if size < last.get(s[1], 0):
                wrong.append('the %s checkpoint went from size %d back to %d' % (s[1], last[s[1]], size))
            last[s[1]] = size
            for name, key_id, _ in lines:
                who = cosigner(w, name, key_id)
                if who:
                    cosigned[who] = max(cosigned[who], size)
        elif s[0] == 'cosigned':
            cosigned[s[1]] = max(cosigned[s[1]], s[2])
        else:
            _, who, size, root = s
            if size < state.get(who, 0):
                wrong.append("%s's state went from size %d back to %d" % (who, state[who], size))
            if size < cosigned[who]:
                wrong.append("%s's state is at size %d, and it had cosigned %d" % (who, size, cosigned[who]))
            if size >= len(roots) or roots[size] != root:
                wrong.append("%s's state at size %d contradicts the register" % (who, size))
            state[who] = size
    if not last:
        wrong.append('nothing was served')
    return wrong


def entries_stay(w):
    """every acknowledged entry stands where it was acknowledged, and no entry twice"""
    wrong = []
    for index, seal in w.entered:
        if index >= len(w.entries) or w.entries[index] != b'\1' + bytes.fromhex(seal):
            wrong.append('the seal %s was acknowledged as entry %d and is not there' % (seal, index))
    wrong += ['the register has the entry %s twice' % e.hex() for e in twice(w.entries)]
    return wrong


def tiles_fit(w):
    """the tiles served are those of the register's tree"""
    wrong, level = [], [sha(b'\0' + e) for e in w.entries]
    for number in range(8):
        for path, content in w.tiles.items():
            m = re.fullmatch(r'%d/((?:x\d{3}/)*\d{3})(?:\.p/(\d+))?' % number, path)
            if not m:
                continue
            index = int(m.group(1).replace('x', '').replace('/', ''))
            width = int(m.group(2) or 256)
            if content != b''.join(level[256 * index:256 * index + width]) or len(content) != 32 * width:
                wrong.append('tile %s is not of this tree' % path)
        level = [roots_of_hashes(level[i:i + 256]) for i in range(0, len(level) - 255, 256)]
    if not w.tiles:
        wrong.append('no tile was fetched')
    return wrong


def roots_of_hashes(hashes):
    """The root over 256 hashes of one level."""
    while len(hashes) > 1:
        hashes = [sha(b'\1' + a + b) for a, b in zip(hashes[::2], hashes[1::2])]
    return hashes[0]


TALK_RULES = (acknowledged_talk, other_talk, same_order, generations_seen, generations_counted)
REGISTER_RULES = (checkpoints_hold, never_back, entries_stay, tiles_fit)


def rules_for(w):
    rules = list(TALK_RULES) if w.talk else []
    if w.talk and w.records:
        rules.append(records_once)
    if w.status:
        rules.append(at_rest)
    if w.entries is not None:
        rules += REGISTER_RULES
    return rules


def size_of(w):
    parts = []
    if w.talk:
        parts.append('%d messages acknowledged, %d not' % (len(w.said), len(w.tried)))
    if w.talk and w.records:
        parts.append('%d records acknowledged, %d not' % (len(w.recorded), len(w.record_tried)))
    if w.entries is not None:
        parts.append('%d entries, %d of them acknowledged to us, %d checkpoints seen'
                     % (len(w.entries), len(w.entered), len(checkpoints(w))))
    if w.sightings:
        parts.append('%d witness states read' % sum(s[0] == 'state' for s in w.sightings))
    return '; '.join(parts)


def judge(folder):
    w = World().load(folder)
    bad = 0
    print('compared: ' + size_of(w))
    for rule in rules_for(w):
        wrong = rule(w)
        print('%s: %s' % ('FAILED' if wrong else 'ok', rule.__doc__))
        for line in wrong[:10]:
            print('    ' + line)
        if len(wrong) > 10:
            print('    and %d more' % (len(wrong) - 10))
        bad += len(wrong)
    return bad == 0


# ---- where the kills landed

def histogram(lines, classes):
    """Text, all kills, and how many were in one of ${classes}; a line is "N HOW PLACE CALL WHAT" of the kill shim."""
    rows = [line.split(' ') for line in lines]
    count = collections.Counter((r[2], r[3], r[4], r[1]) for r in rows)
    text = ['place        call       on          before  half  after']
    for place, call, what in sorted({k[:3] for k in count}):
        n = [count[place, call, what, how] for how in ('before', 'half', 'after')]
        text.append('%-12s %-10s %-11s %6d %5d %6d' % ((place, call, what) + tuple(n)))
    for place in sorted({r[2] for r in rows}):
        text.append('%-12s %d' % (place, sum(r[2] == place for r in rows)))
    return text, len(rows), sum(r[2] in classes for r in rows)


def main(argv):
    if len(argv) == 3 and argv[1] == 'judge':
        return 0 if judge(argv[2]) else 1
    if len(argv) > 3 and argv[1] == 'places':
        text, n, inside = histogram(read_lines(argv[2]), argv[3:])
        print('\n'.join('    ' + line for line in text))
        # Three of four; a small sample scatters, and is given two of three.
        print('%d of %d kills inside' % (inside, n))
        return 0 if n and (inside * 4 >= n * 3 if n >= 100 else inside * 3 >= n * 2) else 1
    print(__doc__.split('\n\n')[1], file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv))
