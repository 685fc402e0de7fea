#!/usr/bin/env python3
"""A second verifier of proof files, written from docs/protocol-record.md and docs/protocol-register.md alone.

Python's standard library only; it shares no line with src/. It is here to show that the documents are enough, and
that both verifiers say the same. Slow, not constant in time, and fed nothing secret: for tests, never for use.

Use: verify_proof.py PROOF [--forum ID] [--root-words WORDS]... [--words FILE] [--at MS]
     verify_proof.py --compare A.json B.json
     verify_proof.py --alter late|bit:N|trailing|version PROOF >CHANGED
The answer is one JSON object, as of `detente verify --json`. Exit status 0 verified, 1 everything else.
"""
import argparse
import base64
import hashlib
import hmac
import json
import re
import sys
import time
from datetime import datetime, timedelta

from formats import (EPOCH, LIST, MAX, NAME, TYPES, Checked, Key, Reader, Refused, b64, check_value, each, ed_verify,
                     hash_of, label, need, sha, show, signed, usable_key, utf8, vec, when)

# ---- templates

class Template:
    def __init__(self, name, fields, encoding):
        self.name, self.fields = name, fields            # (name, type, required, values)
        self.hash = hash_of('template', encoding)
        self.n_slots = next(n for n in (16, 32, 64) if 8 + len(fields) <= n)

    def slot(self, i):
        """name, type, values, whether it must be there"""
        if i < 8:
            return ENVELOPE[i]
        if i - 8 < len(self.fields):
            f = self.fields[i - 8]
            return f[0], f[1], f[3], f[2]
        return '', 0, None, False

    def place(self, name):
        return next((8 + i for i, f in enumerate(self.fields) if f[0] == name), None)


ENVELOPE = [('@author', 17, None, True), ('@kind', 1, None, True), ('@channel', 15, None, True),
            ('@written_at', 8, None, True), ('@references', LIST | 18, None, False), ('@languages', LIST | 12, None, False),
            ('@carried_from', 15, None, False), ('@destroy_after', 9, None, False)]


def hashed(i, kind, name, typ):
    """Name and type as they are hashed: the last slot of the envelope, where absent, is a spare one."""
    return ('@spare', 0) if i == 7 and kind == 0 else (name, typ)

BUILT_IN = {
    'letter': 'name! text, title text, rights! list enum talk record admit consent found, not_before! datetime, '
              'not_after! datetime, key! hash, encryption_key! hash, party! hash, inbox_address bytes, inbox_token bytes',
    'amendment': 'number! int, previous! hash, body! bytes',
    'receipt': 'about! hash, received_at! datetime, desk text',
    'countersign': 'about! hash, remark ltext',
    'answer': 'about! hash, text! ltext',
    'dispute': 'about! hash, slots! list int, values! account, text ltext',
    'withdraw': 'about! hash, reason ltext',
    'consent': 'about! hash, slots! list int, audience! text, expires! datetime, '
               'standing! enum none countersigned disputed withdrawn',
    'tally': 'first_entry! int, last_entry! int, count! int, counted! text',
    'cover': '',
    'carried': 'proof! bytes',
    'readout_line': 'readout! hash, line! int, languages! list lang, texts! list text, replaces hash'}
ANSWERS = ('receipt', 'countersign', 'answer', 'dispute', 'withdraw', 'consent')


def built_in():
    out = {}
    for name, text in BUILT_IN.items():
        fields, encoded = [], b''
        for part in filter(None, text.split(', ')):
            words = part.split()
            required, kind, values = words[0].endswith('!'), 0, None
            if words[1] == 'list':
                kind, words = LIST, words[:1] + words[2:]
            kind |= TYPES[words[1]]
            if words[1] == 'enum':
                values = words[2:]
            fields.append((words[0].rstrip('!'), kind, required, values))
            encoded += vec(fields[-1][0].encode()) + bytes([kind, required]) + vec(b'')
            encoded += vec(b''.join(vec(v.encode()) for v in values or []))
        t = Template(name, fields, b'\0\1' + vec(name.encode()) + b'\0\1' + vec(encoded) + b'\0' + vec(b'') + bytes(8) +
                     vec(b'') + b'\0' + bytes(8) + b'\1')
        out[t.hash] = t
    return out


def read_template(data):
    word = re.compile(rb'[a-z][a-z0-9_]{0,39}')
    r = Reader(data, 'template')
    need(r.u(2) == 1, 'template: unknown format')
    name = r.v()
    need(word.fullmatch(name), 'template: id')
    r.u(2)

    def field(q):
        fname, kind, flags = q.v(), q.u(1), q.u(1)
        utf8(q.v(), 'unit')
        values = each(q.v(), 'enum', lambda v: v.v(), 64)
        need(word.fullmatch(fname) and all(word.fullmatch(v) for v in values), 'template: a name')
        need(kind & ~LIST in NAME and flags < 4 and kind != LIST | 20, 'template: field %s' % fname.decode())
        need(bool(values) == (kind & ~LIST == 6) and len(set(values)) == len(values), 'template: values')
        return fname.decode(), kind, bool(flags & 1), [v.decode() for v in values] or None
    fields = each(r.v(), 'fields', field, 56)
    names = [f[0] for f in fields]
    need(len(set(names)) == len(names), 'template: a field twice')
    rule, about, ms = r.u(1), r.v(), r.u(8)
    days = each(r.v(), 'days', lambda q: (q.u(1), q.u(1)), 366)
    ack, within, disclosure = r.u(1), r.u(8), r.u(1)
    r.end()
    need(rule <= 5 and ack <= 3 and 1 <= disclosure <= 5, 'template: rules')
    need((about != b'') == (rule in (1, 2, 3)) and (days != []) == (rule == 5), 'template: deadline')
    need(about == b'' or about.decode() in names, 'template: deadline of no field')
    need(rule in (1, 2, 3, 4) or ms == 0, 'template: span')
    need(ack != 0 or within == 0, 'template: ack')
    need(days == sorted(set(days)), 'template: days')
    return Template(name.decode(), fields, data)


# ---- charter

class Party:
    def __init__(self, place, root, kind, name):
        self.place, self.root, self.kind, self.name = place, root, kind, name
        self.id = hash_of('root', root)                  # the party's for ever, whatever root speaks for it
        self.roots = [(root, 0, None, None)]             # each root, its first entry, its last + 1, what ended it
        self.successor = None                            # who alone may follow, by root id
        self.vouched = False

    def replace(self, root, size, number):
        old, start, _, _ = self.roots[-1]
        self.roots[-1] = old, start, size, number
        self.roots.append((root, size, None, None))
        self.root = root

    def root_of(self, key):
        return next((x for x in self.roots if x[0] == key), None)

    def words(self):
        return {self.id[:11], hash_of('root', self.root)[:11]}


def open_rule(value):
    """'author', 'both', 'all', or the first ms of a day."""
    if value in (b'author', b'both', b'all'):
        return value.decode()
    need(re.fullmatch(rb'after [0-9]{4}-[0-9]{2}-[0-9]{2}', value), 'charter: rule of opening')
    try:
        day = datetime.strptime(value[6:].decode(), '%Y-%m-%d').replace(tzinfo=EPOCH.tzinfo)
    except ValueError:
        raise Refused('charter: no such day') from None
    return (day - EPOCH) // timedelta(milliseconds=1)


class Register:
    """The part of a charter that an amendment of the register replaces."""
    end = None          # (size, root, number of the amendment) of one that ended

    def __init__(self, r, n_parties):
        relays = each(r.v(), 'relays', lambda q: utf8(q.v(500, 1), 'relay'), 8)
        need(relays, 'charter: no relay')
        self.origin = utf8(r.v(), 'origin')
        self.register = Key(r.v(4096), 1)
        need(self.register.name == self.origin, 'charter: the origin is not the name of the register\'s key')
        utf8(r.v(), 'path')
        rows = each(r.v(), 'witnesses', lambda q: (q.u(1), Key(q.v(4096), 4)), 32)
        need(all(p < n_parties for p, _ in rows), 'charter: a witness of nobody')
        need(len({k.public for _, k in rows}) == len(rows), 'charter: a witness key twice')
        need(self.register.public not in {k.public for _, k in rows}, "charter: a witness with the register's key")
        need(len({(k.name, k.id) for _, k in rows}) == len(rows), 'charter: a witness key twice')
        self.witnesses, groups = rows, len({p for p, _ in rows})
        self.quorum_attested, final = r.u(1), r.u(1)
        need(self.quorum_attested <= groups and (self.quorum_attested or not rows), 'charter: quorum')
        need(final == 0 or self.quorum_attested <= final <= groups, 'charter: quorum for final')


class Charter:
    def __init__(self, data):
        r = Reader(data, 'charter')
        need(r.u(2) == 1, 'charter: unknown version')
        self.title = utf8(r.v(200), 'title')
        r.take(16)
        r.u(8)
        rows = each(r.v(), 'parties', lambda q: (q.take(32), q.u(1), utf8(q.v(120, 1), 'name')), 16)
        self.parties = [Party(i, *row) for i, row in enumerate(rows)]
        self.by_id = {p.id: p for p in self.parties}
        names = [re.sub('[A-Z]', lambda m: m.group().lower(), p.name) for p in self.parties]
        need(len(rows) >= 2 and len(self.by_id) == len(rows) and len(set(names)) == len(rows), 'charter: parties')
        need(all(usable_key(p.root) and 1 <= p.kind <= 3 for p in self.parties), 'charter: a party')
        need(not {'both', 'mediator'} & {p.name for p in self.parties}, 'charter: a name that is taken')
        self.registers = [Register(r, len(self.parties))]
        rules = each(r.v(), 'rules', lambda q: (q.v(200), q.v(200)), 16)
        known = rb'cadence|read_key|file_max|line_test|(open|template)\.[a-z][a-z0-9_]{0,39}|open|successor\.([1-9]|1[0-6])'
        need(all(re.fullmatch(known, n) for n, _ in rules), 'charter: unknown rule')
        self.opening = {n.decode(): open_rule(v) for n, v in rules if n.startswith(b'open')}
        need(all(re.fullmatch(rb'[0-9a-f]{64}', v) for n, v in rules if n.startswith(b'template.')), 'charter: template')
        need(all(re.fullmatch(rb'[1-9]|[1-5][0-9]|6[0-4]', v) for n, v in rules if n == b'file_max'), 'charter: file_max')
        need(all(re.fullmatch(rb'[1-9][0-9]*[mhd]( sealed)?', v) for n, v in rules if n == b'line_test'), 'charter: line_test')
        for n, v in rules:
            if n.startswith(b'successor.'):
                place = int(n[10:]) - 1
                need(place < len(self.parties) and re.fullmatch(rb'[0-9a-f]{64}', v), 'charter: successor')
                self.parties[place].successor = self.new_id(bytes.fromhex(v.decode()), place)
        need(all(v == b'required' for n, v in rules if n == b'read_key'), 'charter: read_key')
        need(all(re.fullmatch(rb'[1-9][0-9]*/[1-9][0-9]*[mhdw]', v) for n, v in rules if n == b'cadence'), 'charter: cadence')
        need([n for n, _ in rules] == sorted({n for n, _ in rules}), 'charter: rules')
        body = data[:r.at]
        sigs = each(r.v(), 'signatures', lambda q: (q.u(1), q.take(64)), 16)
        r.end()
        need([p for p, _ in sigs] == list(range(len(self.parties))), 'charter: a signature lacks')
        for p, sig in sigs:
            need(ed_verify(self.parties[p].root, label('charter signature') + body, sig),
                 'charter: signature of ' + self.parties[p].name)
        self.forum = hash_of('charter', body)
        self.previous = self.forum
        self.amendments = self.good = 0

    def new_id(self, root_id, place):
        """A root id that no party has, had or is to have; its own successor is its own."""
        taken = {hash_of('root', x[0]) for p in self.parties for x in p.roots}
        taken |= {p.successor for p in self.parties if p.place != place}
        need(root_id not in taken, 'a key that somebody has or had, or is to have')
        return root_id

    def change_roots(self, q):
        """The changes of an amendment: {party: (root, successor)}."""
        out = {}

        def one(c):
            place, root, successor = c.u(1), c.take(32), c.v(32)
            need(place < len(self.parties) and len(successor) in (0, 32), 'amendment: a change')
            need(not out or place > max(out), 'amendment: order of changes')
            out[place] = root, successor or None
        each(q.v(), 'changes', one, 16)
        need(out, 'amendment: no change')
        ids = [hash_of('root', r) for r, _ in out.values()] + [s for _, s in out.values() if s]
        need(len(set(ids)) == len(ids), 'amendment: a key twice')
        for place, (root, successor) in out.items():
            p = self.parties[place]
            if root != p.root:
                need(usable_key(root), 'amendment: a root')
                self.new_id(hash_of('root', root), place)
                need(p.successor in (None, hash_of('root', root)), 'amendment: not the successor that was announced')
            else:
                need(successor and p.successor is None, 'amendment: a successor stands until it takes over')
            if successor:
                need(successor != p.successor, 'amendment: a successor twice')
                self.new_id(successor, place)
        return out

    def amend(self, data, templates):
        """Take in the next amendment: another register, or other roots, from now on."""
        number, r = self.amendments + 1, Reader(data, 'amendment')
        need(len(data) <= MAX['amendment'] and number <= 16 and r.u(2) == 1, 'amendment: version or size')
        forum, template_id, template_hash, record_id, n_slots = r.take(32), r.v(40), r.take(32), r.take(16), r.u(1)
        t = templates.get(template_hash)
        need(t and t.name == 'amendment' and template_id == b'amendment' and n_slots == t.n_slots, 'amendment: template')
        need(forum == self.forum, 'amendment: of another forum')
        rows = each(r.v(), 'slots', lambda q: (q.u(1), q.v(MAX['value'])), 64)
        secret = r.take(32)
        sigs = each(r.v(), 'signatures', lambda q: (q.u(1), q.take(64)), 16)
        r.end()
        need(len(rows) == n_slots, 'amendment: slots')
        ctx = hash_of('header', forum + vec(template_id) + template_hash + record_id + bytes([n_slots]))
        leaves, slots = {}, {}
        for i, (kind, value) in enumerate(rows):
            name, typ, values, _ = t.slot(i)
            need(kind <= 1 and (kind == 1) == (i in (0, 1, 3, 8, 9, 10)) and (kind == 1 or not value), 'amendment: fields')
            if kind == 1:
                check_value(typ, value, values)
                slots[i] = value
            name, typ = hashed(i, kind, name, typ)
            leaves[i] = sha(b'\0' + vec(b'detente 1 field') + ctx + i.to_bytes(2, 'big') + salt_of(ctx, secret, i) +
                            bytes([kind]) + vec(name.encode()) + bytes([typ]) + vec(value))
        commitment = hash_of('commitment', ctx + root_of(n_slots, leaves, b'', 'amendment'))
        author = self.by_id.get(slots[0][:32])
        need(slots[1] == b'amendment' and author and slots[0][64:] == bytes(32), 'amendment: author')
        need(int.from_bytes(slots[8], 'big') == number and slots[9] == self.previous, 'amendment: out of the chain')
        q = Reader(slots[10], 'amendment')
        kind, size, root = q.u(2), q.u(8), q.take(32)
        need(kind in (1, 2), 'amendment: what it changes')
        new = Register(q, len(self.parties)) if kind == 1 else None
        changes = self.change_roots(q) if kind == 2 else {}
        q.end()
        replaced = {p: x[0] for p, x in changes.items() if x[0] != self.parties[p].root}
        need(slots[0][32:64] in (author.root, replaced.get(author.place)), 'amendment: author')
        keys = {p.place: p.root for p in self.parties} | {0x80 | p: key for p, key in replaced.items()}
        places = [p for p, _ in sigs]
        need(places == sorted(set(places)) and set(places) <= set(keys), 'amendment: signatures')
        spared = {p for p in replaced if self.parties[p].successor}      # the one that was announced signs alone
        need(set(keys) - spared <= set(places), 'amendment: a signature lacks')
        for p, sig in sigs:
            need(ed_verify(keys[p], label('amendment') + forum + commitment, sig), 'amendment: signature')
        need(size < 1 << 63 and (size == 0) == (root == sha(b'')), 'amendment: last size and root')
        need(size >= self.good, 'amendment: less than the one before')
        if new:
            need(all(x.origin != new.origin and x.register.public != new.register.public for x in self.registers),
                 'amendment: a register of before')
            self.registers[-1].end = size, root, number
            self.registers.append(new)
        for p, (key, successor) in changes.items():
            if p in replaced:
                self.parties[p].replace(key, size, number)
            self.parties[p].successor = successor
        self.previous, self.amendments, self.good = commitment, number, size


def salt_of(ctx, secret, index):
    """HKDF-SHA256, 32 bytes."""
    prk = hmac.new(ctx, secret, hashlib.sha256).digest()
    return hmac.new(prk, vec(b'detente 1 salt') + index.to_bytes(2, 'big') + b'\1', hashlib.sha256).digest()


# ---- openings

def root_of(n_slots, leaves, nodes, what):
    """Root of a tree of which some leaves are known, {index: hash}, with the other hashes it takes."""
    known, width = dict(leaves), n_slots
    while width > 1:
        above = {}
        for i in sorted(known):
            j = i & ~1
            if j // 2 in above:
                continue
            if i ^ 1 not in known:
                need(nodes, what + ': too few hashes')
                known[i ^ 1], nodes = nodes[:32], nodes[32:]
            above[j // 2] = sha(b'\1' + known[j] + known[j + 1])
        known, width = above, width // 2
    need(not nodes, what + ': too many hashes')
    return known[0]


class Opened:
    paths = False       # version 1: each opening has a path of its own

    def __init__(self, r, templates, forum, what):
        template_id, template_hash, record_id, n_slots = r.v(40), r.take(32), r.take(16), r.u(1)
        self.template = templates.get(template_hash)
        need(self.template and self.template.name.encode() == template_id, what + ': unknown template')
        need(n_slots == self.template.n_slots, what + ': number of slots')
        self.key, self.signature = r.take(32), r.take(64)
        ctx = hash_of('header', forum + vec(template_id) + template_hash + record_id + bytes([n_slots]))
        depth = {16: 4, 32: 5, 64: 6}[n_slots]
        self.slots, roots, leaves = {}, set(), {}

        def opening(q):
            index, salt, kind, value = q.u(1), q.take(32), q.u(1), q.v(MAX['value'])
            path = q.take(32 * depth) if Opened.paths else b''
            need(index < n_slots and kind <= 1, what + ': an opening')
            need(not self.slots or index > max(self.slots), what + ': openings not in order')
            name, typ, values, must = self.template.slot(index)
            need(kind == 1 or not value, what + ': an absent field with a value')
            need(kind == 0 or typ != 0, what + ': a value where none can be')
            if kind == 1:
                check_value(typ, value, values)
            else:
                need(not must, '%s: %s is absent' % (what, name))
            if index == 7 and kind == 1:
                need(self.template.name not in ('letter', 'amendment') and
                     3600000 <= int.from_bytes(value, 'big') <= 36500 * 86400000, '%s: %s' % (what, name))
            name, typ = hashed(index, kind, name, typ)
            entry = vec(b'detente 1 field') + ctx + index.to_bytes(2, 'big') + salt + bytes([kind])
            h = sha(b'\0' + entry + vec(name.encode()) + bytes([typ]) + vec(value))
            leaves[index] = h
            if Opened.paths:
                roots.add(root_of(n_slots, {index: h}, path, what))
            self.slots[index] = value if kind == 1 else None
        each(r.v(), what, opening, 64)
        if not Opened.paths:
            nodes = r.v(MAX['nodes'])
            need(leaves and len(nodes) % 32 == 0, what + ': openings')
            roots.add(root_of(n_slots, leaves, nodes, what))
        need(len(roots) == 1, what + ': openings of more than one commitment')
        self.commitment = hash_of('commitment', ctx + roots.pop())
        need(self.slots.get(1) == template_id, what + ': kind')
        author = self.slots.get(0)
        need(author, what + ': author')
        self.root_id, self.author_key, self.letter_hash = author[:32], author[32:64], author[64:]
        need(self.author_key == self.key, what + ': the author\'s key is another')

    def get(self, name):
        return self.slots.get(self.template.place(name))

    def fields(self):
        return {i for i in self.slots if i > 1}

    def number(self, name):
        v = self.get(name)
        return None if v is None else int.from_bytes(v, 'big')


class Letter(Opened):
    MUST = ('rights', 'not_before', 'not_after', 'key', 'party')

    def __init__(self, r, templates, charter):
        super().__init__(r, templates, charter.forum, 'letter')
        need(self.template.name == 'letter', 'letter: of another template')
        must = {0, 1} | {self.template.place(n) for n in self.MUST}
        may = must | {self.template.place(n) for n in ('name', 'title')}
        need(must <= set(self.slots) <= may, 'letter: other openings than there must be')
        party = charter.by_id.get(self.root_id)
        self.root = party and party.root_of(self.key)
        need(self.root and self.letter_hash == bytes(32), 'letter: author')
        need(self.get('party') == self.root_id, 'letter: party')
        rights = each(self.get('rights'), 'rights', lambda q: q.u(2) if q.u(1) == 2 else 0, 16)
        need(rights and rights == sorted(set(rights)), 'letter: rights')
        self.rights = [self.template.slot(self.template.place('rights'))[2][i - 1] for i in rights]
        self.from_ms, self.to_ms = self.number('not_before'), self.number('not_after')
        need(self.from_ms < self.to_ms and usable_key(self.get('key')), 'letter: validity or key')
        need(ed_verify(self.key, label('letter') + charter.forum + self.commitment, self.signature),
             'letter: signature')
        self.party, self.revoked_ms, self.revoked_index = party, None, None


class Item(Opened):
    def __init__(self, r, templates, charter, letters, at_ms, place):
        what = 'item %d' % place
        super().__init__(r, templates, charter.forum, what)
        need(self.template.name != 'letter', what + ': a letter is no record')
        kind, text = r.take(4), r.v(MAX['tlog'])
        need(ed_verify(self.key, label('record') + charter.forum + self.commitment, self.signature),
             what + ': signature')
        self.party = charter.by_id.get(self.root_id)
        letter = letters.get(self.letter_hash)
        need(self.party and letter and letter.party is self.party, what + ': no letter')
        need(letter.get('key') == self.key, what + ': the letter is for another key')
        need(('consent' if self.template.name == 'consent' else 'record') in letter.rights, what + ': right')
        self.letter = letter
        letter.used = True
        self.index = self.time = None
        self.exact = attested = False
        need(kind in (b'none', b'frst', b'late') and (kind == b'none') == (text == b''), what + ': entry')
        if text:
            seal = hash_of('seal', self.commitment + self.key + self.signature)
            proof = Checked(text, b'\1' + seal, charter)
            self.index, self.time = proof.index, proof.time_for(self.party.place)
            attested = proof.attested
            self.exact = attested and kind == b'frst' and self.time is not None
        _, start, end, _ = letter.root
        need(end is None or (attested and self.index < end), what + ': its root was replaced')
        need(self.index is None or self.index >= start, what + ': from before its root')
        self.check_letter(letter, at_ms, what)

    def check_letter(self, letter, at_ms, what):
        at = self.time if self.time is not None else at_ms
        need(letter.from_ms <= at <= letter.to_ms, what + ': the letter was not valid')
        if letter.revoked_ms is not None:
            need(self.time is not None and letter.revoked_ms > self.time and letter.revoked_index > self.index,
                 what + ': the letter was revoked')


def read_revocation(r, charter, letters):
    data, text = r.v(MAX['letter']), r.v(MAX['tlog'])
    q = Reader(data, 'revocation')
    need(q.u(2) == 1 and q.take(32) == charter.forum, 'revocation: of another forum')
    letter_hash, party = q.take(32), charter.by_id.get(q.take(32))
    q.u(8)
    root, signature = q.take(32), q.take(64)
    q.end()
    body, letter = data[:-64], letters.get(letter_hash)
    need(letter and party is letter.party and root == letter.key, 'revocation: not of a letter in the file')
    need(ed_verify(root, label('revocation') + body, signature), 'revocation: signature')
    seal = hash_of('seal', hash_of('revocation', body) + root + signature)
    proof = Checked(text, b'\1' + seal, charter)
    at = proof.time_for(party.place)
    need(at is not None, 'revocation: no time')
    need(letter.root[2] is None or proof.index < letter.root[2], 'revocation: by a root that had been replaced')
    letter.revoked_ms = min(at, letter.revoked_ms if letter.revoked_ms is not None else at)
    letter.revoked_index = min(proof.index, letter.revoked_index if letter.revoked_index is not None else proof.index)


# ---- the file

def unwrap(data):
    need(len(data) <= MAX['file'] and data.isascii(), 'file: not text')
    lines = data.decode('ascii').split('\n')
    need(lines[0] == 'detente proof 1' and lines[-1] == '' and len(lines) > 2, 'file: first or last line')
    body = lines[1:-1]
    need(all(len(s) == 76 for s in body[:-1]) and 0 < len(body[-1]) <= 76, 'file: length of a line')
    return b64(''.join(body), 'file')


def slots_of(value):
    out = [signed(i) for i in each(value, 'slots', lambda q: q.v(), MAX['list'])]
    need(out == sorted(set(out)) and all(0 <= i <= 63 for i in out), 'list of slots')
    return set(out)


def event_end(subject):
    """End of the event in ms, or None when it is not opened, or how precise its time is was not."""
    t, found = subject.template, None
    for name in ('ended_at', 'started_at'):
        place = t.place(name)
        if place is not None and t.slot(place)[1] == TYPES['datetime'] and subject.slots.get(place) is not None:
            found = subject.number(name)
            break
    place = t.place('time_precision')
    if found is None or (place is not None and place not in subject.slots):
        return None
    precision = ''
    if place is not None and subject.slots[place] is not None and t.slot(place)[1] == TYPES['enum']:
        precision = int.from_bytes(subject.slots[place], 'big')      # 2 day, 3 month, 4 year
    d = EPOCH + timedelta(milliseconds=found)
    d0 = d.replace(hour=0, minute=0, second=0, microsecond=0)
    if precision == 2:
        d = d0 + timedelta(days=1)
    elif precision == 3:
        d = d0.replace(day=1, month=d.month % 12 + 1, year=d.year + d.month // 12)
    elif precision == 4:
        d = d0.replace(day=1, month=1, year=d.year + 1)
    return (d - EPOCH) // timedelta(milliseconds=1)


def read_words(text, words):
    parts = [w for w in re.split(r'[ \t\r\n\-,_.]+', text.lower()) if w]
    need(len(parts) == 8 and all(w in words for w in parts), 'key words')
    n = 0
    for w in parts:
        n = n << 11 | words.index(w)
    return n.to_bytes(11, 'big')


def verify(data, forum, prefixes, at_ms):
    r = Reader(unwrap(data), 'proof')
    need(len(r.data) <= MAX['proof'], 'proof: too large')
    version = r.u(2)
    need(version in (1, 2, 3), 'proof: unknown version')
    Opened.paths = version == 1
    charter = Charter(r.v(MAX['charter']))
    amendments = r.v() if version == 3 else b''
    need(forum is None or charter.forum == forum, 'charter: its forum id is another')
    templates = built_in()
    if version == 3:
        need(each(amendments, 'amendments', lambda q: charter.amend(q.v(), templates) is None, 16), 'no amendments')
    for p in charter.parties:
        p.vouched = forum is not None or bool(p.words() & set(prefixes))
    need(all(any(x in p.words() for p in charter.parties) for x in prefixes), 'charter: no root has these key words')
    own = each(r.v(), 'templates', lambda q: read_template(q.v(MAX['template'])), MAX['templates'])
    for t in own:
        need(t.hash not in templates and t.name not in BUILT_IN, 'template: twice, or built in')
        templates[t.hash] = t
    found = each(r.v(), 'letters', lambda q: Letter(q, templates, charter), MAX['letters'])
    letters = {x.commitment: x for x in found}
    need(len(letters) == len(found), 'letter: twice')
    each(r.v(), 'revocations', lambda q: read_revocation(q, charter, letters), MAX['revocations'])
    items = []

    def item(q):
        items.append(Item(q, templates, charter, letters, at_ms, len(items)))
    each(r.v(), 'items', item, MAX['items'])
    r.end()
    need(items, 'no items')
    used = {i.template.hash for i in items}
    need(all(t.hash in used for t in own), 'template: not used')
    need(all(hasattr(x, 'used') for x in found), 'letter: not used')
    return say(charter, items, at_ms, forum is not None, bool(prefixes))


# Where an answer has the words that its party says in its own name.
WORDS = {'answer': 9, 'countersign': 9, 'withdraw': 9, 'dispute': 11}


def check_answer(a, subject, place):
    what = 'item %d' % place
    need(a.template.name in ANSWERS, what + ': no answer')
    need(a.get('about') == subject.commitment, what + ': about another record')
    whole = {8 + i for i in range(len(a.template.fields))}
    words = {WORDS[a.template.name]} & whole if a.template.name in WORDS else set()
    a.whole = a.template.name in ('consent', 'dispute') and a.fields() == whole
    if a.whole:
        a.about_slots = slots_of(a.get('slots'))
    else:
        need(a.template.name != 'consent' and a.fields() - words == {8}, what + ': other fields than may be opened')
    a.words = a.slots[min(words)] if words & a.fields() else None
    a.says_more = bool(words & a.fields()) and not a.whole


def say(charter, items, at_ms, by_forum, by_words):
    subject, answers = items[0], items[1:]
    need(len({i.commitment for i in items}) == len(items), 'an item twice')
    for n, a in enumerate(answers, 1):
        check_answer(a, subject, n)
    t, author = subject.template, subject.party
    anyone = by_forum or by_words
    # Standing: of each party the account that prevails; a consent's own word after the accounts themselves.
    last = {}

    def account(a, kind):
        key = a.index if a.index is not None else (1 << 64 if kind == 'disputed' else -1)
        if a.party not in last or key > last[a.party][0]:
            last[a.party] = (key, kind)
    for a in answers:
        if a.template.name in ('countersign', 'dispute') and a.party is not author:
            account(a, 'disputed' if a.template.name == 'dispute' else 'countersigned')
    withdrawn = any(a.template.name == 'withdraw' and a.party is author for a in answers)
    for a in answers:
        if a.template.name != 'consent':
            continue
        own = show(6, a.get('standing'), a.template.slot(a.template.place('standing'))[2], None)
        if own == 'disputed' and a.party is not author and last.get(a.party, (0, ''))[1] != 'disputed':
            account(a, 'disputed')
        withdrawn = withdrawn or (own == 'withdrawn' and a.party is author)
    said = [word + ' by ' + p.name for word in ('disputed', 'countersigned') for p in charter.parties
            if author.vouched and p.vouched and last.get(p, (0, ''))[1] == word]
    standing = '; '.join(said) or 'asserted by one: ' + author.name
    if not said and not author.vouched:
        standing += ' (claimed by the charter, root not checked)'
    if withdrawn:
        standing += '; withdrawn by its author'
    # Consents: by the rule of the charter, each with one that covers all and is not past. What they must cover are
    # the opened fields, and those that an opened dispute gives values of.
    shown = subject.fields()
    covered = shown.union(*(a.about_slots - {0, 1} for a in answers if a.whole and a.template.name == 'dispute'))
    rule = charter.opening.get('open.' + t.name, charter.opening.get('open', 'both'))
    any_one = isinstance(rule, int) and at_ms >= rule
    asked = [p for p in charter.parties if p is author or rule == 'all' or (rule != 'author' and p.kind == 1)]
    good = [a for a in answers if a.template.name == 'consent' and covered <= a.about_slots and
            a.number('expires') >= at_ms]

    def missing(consents):
        without = [p.name for p in asked if not any(a.party is p for a in consents)]
        return [] if any_one and len(without) < len(asked) else without
    lacking = missing(good)
    closed = missing([a for a in good if a.get('audience') == b'public'])
    replies = [{'of': a.party.name, 'text': ' '.join(utf8(a.words, 'text').split('\n'))} for a in answers
               if a.words is not None]
    if not anyone:
        verdict = 'consistent, but whose?'
    elif not all(p.vouched for p in charter.parties):
        verdict = 'claimed by the charter, root not checked'
    else:
        unasked = closed and any(a.says_more for a in answers)
        verdict = 'opened without consent' if lacking or unasked else 'verified'
    out = {'verdict': verdict, 'forum': charter.forum.hex(), 'kind': t.name, 'commitment': subject.commitment.hex(),
           'standing': standing, 'without_consent_of': lacking, 'replies': replies,
           'fields': {t.slot(i)[0]: show(t.slot(i)[1], subject.slots[i], t.slot(i)[2], charter)
                      if subject.slots[i] is not None else None for i in sorted(shown) if 8 <= i < 8 + len(t.fields)}}
    if subject.index is not None:
        out['entry'] = subject.index
    if subject.exact:
        out['entered'] = when(subject.time)
        end = event_end(subject)
        if end is not None and subject.time >= end:
            out['days_after'] = (subject.time - end) // 86400000
    else:
        out['not_later_than'] = when(subject.time if subject.time is not None else at_ms)
    return out


COMPARED = ('verdict', 'forum', 'kind', 'commitment', 'standing', 'without_consent_of', 'replies', 'fields', 'entry',
            'entered', 'days_after')
# Not compared: not_later_than where that is the time of checking, which differs between two runs.


def compare(a, b):
    with open(a, encoding='utf-8') as f, open(b, encoding='utf-8') as g:
        x, y = json.load(f), json.load(g)
    for key in COMPARED if 'refused' not in (x['verdict'], y['verdict']) else COMPARED[:1]:
        if x.get(key) != y.get(key):
            print('%s: %r and %r' % (key, x.get(key), y.get(key)))
            return 1
    return 0


def wrap(data):
    text = base64.b64encode(data).decode()
    return 'detente proof 1\n' + ''.join(text[i:i + 76] + '\n' for i in range(0, len(text), 76))


def alter(name, how):
    """A copy of a proof, changed inside and put in its one form again."""
    with open(name, 'rb') as f:
        data = unwrap(f.read())
    if how == 'late':                            # says less than its opener could; holds
        out = data.replace(b'frst', b'late')
    elif how.startswith('bit:'):                 # one bit of the structure, so many thousandths into it
        at = len(data) * 8 * int(how[4:]) // 1000
        out = data[:at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1:]
    elif how == 'trailing':
        out = data + b'\0'
    elif how == 'version':
        out = b'\0\3' + data[2:]
    else:
        raise SystemExit('no such change: ' + how)
    sys.stdout.write(wrap(out))
    return 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument('files', nargs='+')
    p.add_argument('--compare', action='store_true')
    p.add_argument('--alter')
    p.add_argument('--forum')
    p.add_argument('--root-words', action='append', default=[])
    p.add_argument('--words')
    p.add_argument('--at', type=int, default=time.time_ns() // 1000000)
    a = p.parse_args()
    if a.compare:
        return compare(*a.files)
    if a.alter:
        return alter(a.files[0], a.alter)
    status = 0
    for name in a.files:
        try:
            words = open(a.words, encoding='ascii').read().split() if a.words else []
            prefixes = [read_words(w, words) for w in a.root_words]
            with open(name, 'rb') as f:
                data = f.read(MAX['file'] + 1)
            out = verify(data, bytes.fromhex(a.forum) if a.forum else None, prefixes, a.at)
        except Refused as e:
            out = {'verdict': 'refused', 'reason': str(e)}
        print(json.dumps(out, ensure_ascii=False, indent=1, sort_keys=True))
        if out['verdict'] != 'verified':
            status = 1
    return status


if __name__ == '__main__':
    sys.exit(main())
