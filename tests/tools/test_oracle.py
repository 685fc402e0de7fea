"""The oracle of the kill scenarios sees what it is there to see: each of its rules is broken once, and says so.

A small world in which everything holds is made with keys of its own; then one thing at a time is put wrong.
"""
import base64
import copy
import hashlib
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TOP, 'tools'), os.path.join(TOP, 'tests', 'e2e'), os.path.join(TOP, 'tests', 'interop')]
import oracle  # noqa: E402
from counting import Count  # noqa: E402
from formats import BASE, L, Key, ed_encode, ed_mul  # noqa: E402

DASH = '\u2014'


class Signer:
    """An Ed25519 key (RFC 8032 section 5.1) that signs notes; not constant in time, for tests."""

    def __init__(self, name, kind, seed):
        h = hashlib.sha512(seed).digest()
        self.scalar = (int.from_bytes(h[:32], 'little') & (1 << 254) - 8) | 1 << 254
        self.prefix, self.kind = h[32:], kind
        public = ed_encode(ed_mul(self.scalar, BASE))
        key_id = hashlib.sha256(name.encode() + b'\n' + bytes([kind]) + public).digest()[:4]
        vkey = '%s+%s+%s' % (name, key_id.hex(), base64.b64encode(bytes([kind]) + public).decode())
        self.key = Key(vkey.encode(), kind)

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), 'little') % L
        first = ed_encode(ed_mul(r, BASE))
        h = int.from_bytes(hashlib.sha512(first + self.key.public + message).digest(), 'little') % L
        return first + ((r + h * self.scalar) % L).to_bytes(32, 'little')

    def line(self, body, time=1700000000):
        sig = self.sign(body) if self.kind == 1 else \
            time.to_bytes(8, 'big') + self.sign(b'cosignature/v1\ntime %d\n%s' % (time, body))
        return ('%s %s %s\n' % (DASH, self.key.name, base64.b64encode(self.key.id + sig).decode())).encode()


REGISTER = Signer('register.example/1', 1, b'r' * 32)
WITNESSES = {name: Signer('witness.example/' + name, 4, name.encode() * 4) for name in ('north', 'south')}


def checkpoint(entries, size, by=(), root=None):
    root = root or oracle.roots_of(entries)[size]
    body = ('%s\n%d\n%s\n' % (REGISTER.key.name, size, base64.b64encode(root).decode())).encode()
    return body + b'\n' + REGISTER.line(body) + b''.join(WITNESSES[w].line(body) for w in by)


def message(who, name, number, generation, state='received', epoch=1):
    return {'id': '%032x' % number, 'text': 'text %d' % number, 'from': {'name': name}, 'state': state,
            'unconfirmed': False, 'position': number, 'epoch': epoch, 'leaf': 1 if who == 'us' else 2,
            'generation': generation}


def good_world():
    """Two sides; four messages acknowledged and one not; two records; a register of 300 entries."""
    w = oracle.World()
    w.names = {'us': 'Ana', 'ru': 'Boris'}
    w.journal(['said us %032x text 1' % 1, 'said ru %032x text 2' % 2, 'said us %032x text 3' % 3, 'tried us text 4',
               'said ru %032x text 5' % 5, 'tried us text 6', 'record us %064x one' % 10, 'record-tried us two'])
    for view in ('us', 'ru'):
        w.talk[view] = [message('us', 'Ana', 1, 0), message('ru', 'Boris', 2, 0), message('us', 'Ana', 3, 1),
                        message('us', 'Ana', 4, 2), message('ru', 'Boris', 5, 1)]
        for m in w.talk[view]:
            m['state'] = 'confirmed' if m['from']['name'] == w.names[view] else 'received'
        w.records[view] = [{'commitment': '%064x' % 10, 'entry': 0}, {'commitment': '%064x' % 11, 'entry': 299}]
        w.alarms[view] = []
        w.status[view] = {'self': {'name': w.names[view]}, 'register': {'waiting': 0, 'size': 300}, 'channels': [
            {'name': 'plenary', 'group_id': 'g', 'state': 'open', 'confirmed': True, 'to_send': 0, 'epoch': 1,
             'epoch_authenticator': 'a', 'position': 5, 'queue_number': 1}]}
    w.shown = {'%064x' % 11: 'two'}
    w.ratchets = {'us': [('g', 1, 1, 1, 'application', 3, 0), ('g', 1, 1, 2, 'application', 2, 0),
                         ('g', 1, 1, 1, 'handshake', 1, 0)],
                  'ru': [('g', 1, 2, 2, 'application', 2, 0), ('g', 1, 2, 1, 'application', 3, 0),
                         ('g', 1, 2, 1, 'handshake', 0, 0)]}
    w.entries = [b'\1' + hashlib.sha256(b'%d' % i).digest() for i in range(300)]
    w.entered = [(5, w.entries[5][1:].hex()), (299, w.entries[299][1:].hex())]
    w.register_key = REGISTER.key
    w.witness_keys = {name: s.key for name, s in WITNESSES.items()}
    roots = oracle.roots_of(w.entries)
    w.sightings = [('served', 'held', checkpoint(w.entries, 1)), ('cosigned', 'north', 1),
                   ('served', 'held', checkpoint(w.entries, 7, ['north'])), ('state', 'north', 7, roots[7]),
                   ('served', 'attested', checkpoint(w.entries, 7, ['north', 'south'])),
                   ('state', 'south', 7, roots[7]), ('served', 'held', checkpoint(w.entries, 300, ['south'])),
                   ('state', 'south', 300, roots[300])]
    leaves = [hashlib.sha256(b'\0' + e).digest() for e in w.entries]
    w.tiles = {'0/000': b''.join(leaves[:256]), '0/001.p/44': b''.join(leaves[256:]), '1/000.p/1': roots[256]}
    return w


def swap(talk):
    talk[0]['position'], talk[1]['position'] = talk[1]['position'], talk[0]['position']


def swap_everywhere(w):
    for talk in w.talk.values():
        talk[0]['position'], talk[2]['position'] = talk[2]['position'], talk[0]['position']


def both(w, change):
    for view in w.talk:
        change(w, view)


def put(w, **what):
    w.talk['us'][3].update(what)


def row(w, who, at, following=None, kept=0):
    r = w.ratchets[who][at]
    w.ratchets[who][at] = r[:5] + (r[5] if following is None else following, kept)


def wrong_root(w, size, kind='held', by=()):
    w.sightings.append(('served', kind, checkpoint(w.entries, size, by, b'\7' * 32)))


def forged(w):
    note = checkpoint(w.entries, 9)
    w.sightings.insert(2, ('served', 'held', note[:-9] + b'A' + note[-8:]))


def forged_cosignature(w):
    good = checkpoint(w.entries, 300, ['south'])
    other = checkpoint(w.entries, 299, ['south'])
    w.sightings.append(('served', 'held', good[:good.rindex(DASH.encode())] + other[other.rindex(DASH.encode()):]))


# (rule, what is put wrong, how)
BROKEN = [
    (oracle.acknowledged_talk, 'a message is missing on one side', lambda w: w.talk['ru'].pop(0)),
    (oracle.acknowledged_talk, 'a message came twice', lambda w: w.talk['ru'].append(dict(w.talk['ru'][0], position=9))),
    (oracle.acknowledged_talk, 'a message came twice, under another id',
     lambda w: w.talk['ru'].append(dict(w.talk['ru'][0], position=9, id='%032x' % 99))),
    (oracle.acknowledged_talk, 'its text is another', lambda w: w.talk['us'][0].update(text='text 9')),
    (oracle.acknowledged_talk, 'its sender is another', lambda w: w.talk['us'][0].update({'from': {'name': 'Boris'}})),
    (oracle.acknowledged_talk, 'nothing was acknowledged', lambda w: w.said.clear()),
    (oracle.other_talk, 'what was not acknowledged came twice',
     lambda w: w.talk['us'].append(dict(w.talk['us'][3], position=9, id='%032x' % 99))),
    (oracle.other_talk, 'a message that nobody said', lambda w: w.talk['us'].append(message('us', 'Ana', 77, 9))),
    (oracle.other_talk, 'an id twice', lambda w: w.talk['us'].append(dict(w.talk['us'][0], position=9))),
    (oracle.same_order, 'two sides have two orders', lambda w: swap(w.talk['us'])),
    (oracle.same_order, 'all have the same order, but not that of the sender', swap_everywhere),
    (oracle.same_order, 'one position twice', lambda w: put(w, position=1)),
    (oracle.same_order, 'a message is still on its way', lambda w: put(w, state='sent')),
    (oracle.same_order, 'a message is unconfirmed', lambda w: put(w, unconfirmed=True)),
    (oracle.same_order, 'one side lacks the last', lambda w: w.talk['ru'].pop()),
    (oracle.generations_seen, 'a generation twice', lambda w: put(w, generation=0)),
    (oracle.generations_seen, 'another generation on the other side', lambda w: put(w, generation=8)),
    (oracle.generations_counted, 'the sender counts less than was seen', lambda w: row(w, 'us', 0, 2)),
    (oracle.generations_counted, 'the sender counts more than came', lambda w: row(w, 'us', 0, 4)),
    (oracle.generations_counted, 'more came than the sender counts, in an epoch that has ended',
     lambda w: [w.ratchets[who].append(('g', 0, 1 if who == 'us' else 2, 1, 'application', n, 0))
                for who, n in (('us', 1), ('ru', 2))]),
    (oracle.generations_counted, 'a generation never came', lambda w: row(w, 'ru', 1, kept=1)),
    (oracle.generations_counted, 'more Commits came than were sent', lambda w: row(w, 'ru', 2, 2)),
    (oracle.generations_counted, 'no counters', lambda w: w.ratchets.clear()),
    (oracle.records_once, 'a record is missing on one side', lambda w: w.records['ru'].pop(0)),
    (oracle.records_once, 'one that was not acknowledged is missing on one side', lambda w: w.records['ru'].pop(1)),
    (oracle.records_once, 'a record came twice', lambda w: w.records['ru'].append(w.records['ru'][0])),
    (oracle.records_once, 'one that was not acknowledged was made twice',
     lambda w: (w.records['ru'].append({'commitment': '%064x' % 12, 'entry': 3}), w.shown.update({'%064x' % 12: 'two'}))),
    (oracle.records_once, 'a record that nobody made', lambda w: w.shown.update({'%064x' % 11: 'three'})),
    (oracle.records_once, 'a record that nobody entered', lambda w: w.records['us'][0].pop('entry')),
    (oracle.records_once, 'another entry on the other side', lambda w: w.records['us'][0].update(entry=4)),
    (oracle.records_once, 'two records at one entry', lambda w: both(w, lambda w, v: w.records[v][0].update(entry=299))),
    (oracle.at_rest, 'an alarm', lambda w: w.alarms['us'].append({'text': 'a message was passed over'})),
    (oracle.at_rest, 'a channel is broken', lambda w: w.status['us']['channels'][0].update(state='broken: re-join')),
    (oracle.at_rest, 'something waits to be sent', lambda w: w.status['us']['channels'][0].update(to_send=1)),
    (oracle.at_rest, 'another epoch', lambda w: w.status['us']['channels'][0].update(epoch=2)),
    (oracle.at_rest, 'a fork', lambda w: w.status['us']['channels'][0].update(epoch_authenticator='b')),
    (oracle.at_rest, 'a seal was not handed in', lambda w: w.status['us']['register'].update(waiting=1)),
    (oracle.at_rest, 'an agent lacks an entry', lambda w: w.status['us']['register'].update(size=299)),
    (oracle.checkpoints_hold, 'a checkpoint contradicts the register', lambda w: wrong_root(w, 7)),
    (oracle.checkpoints_hold, 'one that was cosigned does', lambda w: wrong_root(w, 7, 'attested', ['north'])),
    (oracle.checkpoints_hold, 'a checkpoint is larger than the register', lambda w: wrong_root(w, 301)),
    (oracle.checkpoints_hold, 'an entry was changed afterwards', lambda w: w.entries.__setitem__(3, b'\1' * 33)),
    (oracle.checkpoints_hold, 'a checkpoint is not signed', forged),
    (oracle.checkpoints_hold, 'a cosignature is for another size', forged_cosignature),
    (oracle.checkpoints_hold, 'it is of another register', lambda w: setattr(w, 'register_key', WITNESSES['north'].key)),
    (oracle.checkpoints_hold, 'nothing was seen', lambda w: w.sightings.clear()),
    (oracle.never_back, 'the held checkpoint went back',
     lambda w: w.sightings.append(('served', 'held', checkpoint(w.entries, 299)))),
    (oracle.never_back, 'the attested one did',
     lambda w: w.sightings.append(('served', 'attested', checkpoint(w.entries, 6, ['north', 'south'])))),
    (oracle.never_back, "a witness's state went back",
     lambda w: w.sightings.append(('state', 'south', 299, oracle.roots_of(w.entries)[299]))),
    (oracle.never_back, 'it is below what it cosigned',
     lambda w: w.sightings.insert(4, ('state', 'south', 5, oracle.roots_of(w.entries)[5])) or
     w.sightings.insert(4, ('cosigned', 'south', 6))),
    (oracle.never_back, 'it is below a cosignature that was seen',
     lambda w: w.sightings.append(('served', 'held', checkpoint(w.entries, 300, ['north']))) or
     w.sightings.append(('state', 'north', 299, oracle.roots_of(w.entries)[299]))),
    (oracle.never_back, 'it is beside the register', lambda w: w.sightings.append(('state', 'south', 300, b'\7' * 32))),
    (oracle.never_back, 'nothing was served', lambda w: w.sightings.clear()),
    (oracle.entries_stay, 'an acknowledged entry is gone', lambda w: w.entered.append((7, 'ab' * 32))),
    (oracle.entries_stay, 'it stands elsewhere', lambda w: w.entered.append((6, w.entries[5][1:].hex()))),
    (oracle.entries_stay, 'it is past the end', lambda w: w.entered.append((300, w.entries[5][1:].hex()))),
    (oracle.entries_stay, 'an entry twice', lambda w: w.entries.append(w.entries[0])),
    (oracle.tiles_fit, 'a tile of another tree', lambda w: w.tiles.update({'0/000': bytes(8192)})),
    (oracle.tiles_fit, 'a tile of a level above', lambda w: w.tiles.update({'1/000.p/1': bytes(32)})),
    (oracle.tiles_fit, 'a tile that is too short', lambda w: w.tiles.update({'0/001.p/44': w.tiles['0/001.p/44'][:-32]})),
    (oracle.tiles_fit, 'no tile', lambda w: w.tiles.clear()),
]


def main():
    count = Count()
    good = good_world()
    rules = oracle.rules_for(good)
    for rule in rules:
        count.check(rule(good) == [], 'a world in which all holds is refused: %s: %s' % (rule.__name__, rule(good)))
        count.check(any(b[0] is rule for b in BROKEN), '%s is never seen red' % rule.__name__)
    count.check(len(rules) == 11, 'only %d rules apply to a world that has everything' % len(rules))
    for rule, what, how in BROKEN:
        w = copy.deepcopy(good)
        how(w)
        count.check(rule(w) != [], '%s does not see: %s' % (rule.__name__, what))
    late = copy.deepcopy(good)  # protected in an epoch that ended before it left: nobody took it in
    late.ratchets['us'].append(('g', 0, 1, 1, 'application', 2, 0))
    late.ratchets['ru'].append(('g', 0, 2, 1, 'application', 1, 0))
    count.check(oracle.generations_counted(late) == [], 'a message that was protected anew is held against its sender')
    for n in range(8):
        sig = bytearray(REGISTER.sign(b'm'))
        count.check(oracle.ed_verify(REGISTER.key.public, b'm', bytes(sig)), 'a good signature is refused')
        sig[n * 8] ^= 1 << n
        count.check(not oracle.ed_verify(REGISTER.key.public, b'm', bytes(sig)), 'an altered signature is taken')
    lines = ['1 before transaction pwrite -wal', '2 half request send socket', '3 after outside write x']
    text, n, inside = oracle.histogram(lines, ['transaction', 'request'])
    count.check((n, inside) == (3, 2), 'the histogram counts %d kills, %d inside' % (n, inside))
    count.check(any(line.split() == ['request', 'send', 'socket', '0', '1', '0'] for line in text),
                'the histogram reads: %s' % text)
    for bad in ('said us', 'murmured us x', 'entry x y'):
        try:
            oracle.World().journal([bad])
            count.fail('a journal with "%s" is taken' % bad)
        except (ValueError, TypeError):
            count.ok()
    count.finish()


main()
