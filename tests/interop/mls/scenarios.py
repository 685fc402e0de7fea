"""What the members of one group do: one fixed scenario, and random walks from a seed."""
SUITES = (1, 2, 3, 4, 5, 6, 7)
FURTHER = ((1, False), (1, True), (2, True), (7, False))       # (suite, handshakes as PublicMessage)
KINDS = ('ours', 'ts-mls')
OUR_OLDEST = 3      # past epochs that mls-peer keeps; ts-mls keeps four
MOST = 6


def fixed(room, first, public):
    """Create; add; add by the second; an update of each; pre-shared keys; an external join; removes; late mail."""
    other = KINDS[1 - KINDS.index(first)]

    def step():
        room.everyone_says()

    a = room.create(first)
    b, c = room.newcomer(other), room.newcomer(first)
    room.commit(a, public, adds=[b])
    step()
    room.commit(b, public, adds=[c])
    step()
    for m in (a, b, c):
        room.commit(m, public)
        step()
    for m in (a, b):
        room.commit(m, public, psk=room.new_psk())
        step()
    for proposed in (False, True):
        room.rotate(next(m for m in room.members if m.kind == 'ours'), public, proposed)
        step()
    psk = room.new_psk()
    d, e = room.newcomer(other), room.newcomer(other)
    room.commit(a, public, adds=[d, e], psk=psk)
    step()
    for m in (d, e):        # no unmerged leaves, which ts-mls may refuse (room.REFUSES_UNMERGED)
        room.commit(m, public)
    psk = room.new_psk()
    f = room.external_join(a, other, psk=psk)
    step()
    g = room.external_join(b, first, psk=psk)
    step()
    for m in (f, g):
        room.external_join(c, m.kind, again=m)
        step()
    room.commit(g, public, removes=[f])
    step()
    room.commit(b, public, removes=[a])
    step()
    room.commit(c, public, removes=[d], by_reference=[(e, 'remove:%d' % d.leaf)])
    step()
    h = room.newcomer(first)
    room.commit(e, public, adds=[h], by_reference=[(c, 'add:' + h.kp)])
    step()
    room.race(h, b, public)
    room.race(e, c, public)
    for _ in range(3):
        room.shuffled_talk()
        room.commit(room.rng.choice(room.members), public)
        room.late_mail(2)
    room.late_mail(0)


def further(room, first, public):
    """Trees apart from Welcome and GroupInfo; newcomers who propose themselves; extensions, private use, resumption."""
    other = KINDS[1 - KINDS.index(first)]
    a = room.create(first)
    b, c = room.newcomer(other), room.newcomer(first)
    room.commit(a, public, adds=[b, c], apart=True)
    d, e = room.newcomer(first), room.newcomer(other)
    room.commit(b, public, adds=[d, e], removes=[c], apart=True)
    f = room.external_join(a, other, apart=True)
    g = room.external_join(b, first, apart=True)
    room.everyone_says()
    room.commit(a, public, removes=[d, e])
    # Each Add stands beside a Remove, so that there is a path and no unmerged leaf (room.REFUSES_UNMERGED).
    for kind, by, gone, apart in ((other, a, f, False), (first, b, g, True), (first, a, None, False)):
        last = room.asks_in(kind, b if by is a else a)
        gone = gone or next(m for m in room.members if m.kind == first and m is not a)
        room.commit(by, public, adds=[last], removes=[gone], by_reference=[(None, 'add:' + last.kp)], apart=apart)
        room.everyone_says()

    # Of four members two are of each kind. What ts-mls cannot do here: README.md.
    (o, p), (t, u) = [[m for m in room.members if m.kind == kind] for kind in KINDS]
    room.refused(o, 'commit 0 ext:61602=00', 'an extension that nobody supports')
    room.refused(o, 'commit 0 private:61618=00', 'a proposal that nobody supports')
    room.refused(o, 'commit 0 resume:0', 'the PSK of an epoch that is long over')
    room.commit(o, public, say=[room.new_extensions()])
    for proposer in (t, p):
        room.commit(o, public, by_reference=[(proposer, room.new_extensions())])
    room.commit(t, public, say=['ext:' + room.extensions], by_reference=[(o, 'update')])
    room.commit(u, public, by_reference=[(o, 'ext:' + room.extensions), (p, 'update')])
    room.commit(o, public, adds=[room.newcomer(other)], removes=[u if other == 'ts-mls' else p])
    (o, p), (t, u) = [[m for m in room.members if m.kind == kind] for kind in KINDS]
    room.no_path(t, room.new_extensions(), public)
    room.commit(o, public, say=[room.private_use()])
    room.commit(t, public, say=[room.private_use()], by_reference=[(p, 'update')])
    for by, proposer, updates in ((o, t, p), (t, o, p), (u, t, o)):
        room.commit(by, public, by_reference=[(proposer, room.private_use()), (updates, 'update')])
    room.no_path(t, room.private_use(), public)
    for by, proposer in ((o, None), (t, None), (p, t), (u, o)):
        word = room.resumption()
        if proposer is None:
            room.commit(by, public, say=[word])
        else:
            room.commit(by, public, by_reference=[(proposer, word)])
    room.everyone_says()


def successors(room, first, suite):
    """A group of four; a branch of three of them; that re-initialised with another suite; and that goes on."""
    other = KINDS[1 - KINDS.index(first)]
    a = room.create(first)
    b, c, d = room.newcomer(other), room.newcomer(first), room.newcomer(other)
    room.commit(a, False, adds=[b, c, d])
    room.commit(b, False)
    room.commit(next(m for m in room.members if m.kind == 'ours'), False, say=[room.new_extensions()])
    room.succeed(a, room.suite, 'branch', [d, c], apart=suite % 2 == 0)
    room.everyone_says()
    room.commit(d, False)
    room.succeed(d, suite, 'reinit', [c, a], room.new_extensions()[len('ext:'):], apart=suite % 2 == 1)
    room.everyone_says()
    room.commit(c, False)
    # What the group before this one ended with, for another use (RFC 9420 section 8.6).
    room.commit(c, False, psk='former')
    room.commit(d, False, psk='former')
    room.commit(a, False, psk='former', by_reference=[(d, 'psk:former')])
    room.commit(d, False, psk='former', by_reference=[(c, 'psk:former')])
    room.everyone_says()


def said_step(room, public, kind, by, proposer):
    """Extensions, private use or a resumption PSK in a Commit of ${by}; by value, or as ${proposer} proposed it."""
    say = {'extensions': room.new_extensions, 'private': room.private_use, 'resume': room.resumption}[kind]()
    ref = []
    if by.kind != 'ours' and kind != 'resume':      # ts-mls makes no path for it, or a wrong one: README.md
        ours = next((m for m in room.members if m.kind == 'ours'), None)
        if kind == 'extensions' and ours is None:
            return
        if kind == 'extensions':
            by, proposer = ours, by
        elif ours is not None:
            ref = [(ours, 'update')]
    if room.rng.random() < 0.5:
        room.commit(by, public, say=[say], by_reference=ref)
    else:
        room.commit(by, public, by_reference=ref + [(proposer, say)])


def walk_step(room, public):
    rng, members = room.rng, room.members
    by = rng.choice(members)
    others = [m for m in members if m is not by]
    kinds = ['update', 'update', 'talk', 'talk', 'psk', 'reload']
    if len(members) < MOST:
        kinds += ['add', 'add', 'add_by_reference', 'external', 'asks_in']
    if len(members) > 2:
        kinds += ['remove', 'remove_by_reference', 'mixed', 'again']
    if len(members) > 1:
        kinds += ['race', 'psk_by_reference', 'rotate', 'update_by_reference', 'extensions', 'private', 'resume']
    kind = rng.choice(kinds)
    room.steps.append('-- %s by %r' % (kind, by))
    if kind == 'update':
        room.commit(by, public)
    elif kind == 'talk':
        if others:
            room.shuffled_talk()
    elif kind == 'psk':
        room.commit(by, public, psk=room.new_psk())
    elif kind == 'reload':
        room.ask(by, 'reload')
    elif kind in ('add', 'add_by_reference'):
        new = [room.newcomer(rng.choice(KINDS)) for _ in range(rng.randrange(1, 1 + min(2, MOST - len(members))))]
        ref = [(rng.choice(others), 'add:' + new[0].kp)] if kind != 'add' and others else []
        room.commit(by, public, adds=new, by_reference=ref)
    elif kind in ('remove', 'remove_by_reference'):
        gone = rng.choice(others)
        # A member may propose its own removal (RFC 9420 section 12.1.3); another one commits it.
        ref = [(rng.choice(others), 'remove:%d' % gone.leaf)] if kind != 'remove' else []
        room.commit(by, public, removes=[gone], by_reference=ref)
    elif kind == 'mixed':
        psk = room.new_psk() if rng.random() < 0.5 else None
        room.commit(by, public, adds=[room.newcomer(rng.choice(KINDS))], removes=[rng.choice(others)], psk=psk)
    elif kind == 'race':
        room.race(by, rng.choice(others), public)
    elif kind == 'psk_by_reference':
        psk = room.new_psk()
        room.commit(by, public, psk=psk, by_reference=[(rng.choice(others), 'psk:' + psk)])
    elif kind in ('rotate', 'update_by_reference'):
        by = next((m for m in members if m.kind == 'ours'), by)
        if by.kind == 'ours':
            room.rotate(by, public, kind != 'rotate')
    elif kind == 'external':
        psk = room.new_psk() if rng.random() < 0.5 else None
        room.external_join(by, rng.choice(KINDS), psk=psk, apart=rng.random() < 0.5)
    elif kind == 'asks_in':
        new = room.asks_in(rng.choice(KINDS), rng.choice(members))
        room.commit(by, public, adds=[new], by_reference=[(None, 'add:' + new.kp)], apart=rng.random() < 0.5)
    elif kind in ('extensions', 'private', 'resume'):
        said_step(room, public, kind, by, rng.choice(others))
    elif kind == 'again':
        lost = rng.choice(others)
        room.external_join(by, lost.kind, again=lost)
    room.late_mail(OUR_OLDEST - 1)


def walk(room, public, steps):
    kinds = list(KINDS)
    room.rng.shuffle(kinds)
    room.create(kinds[0])
    room.commit(room.members[0], public, adds=[room.newcomer(kinds[1])])
    for _ in range(steps):
        walk_step(room, public)
    # At the end a group of at least two of both kinds talks, whatever came before.
    for _ in range(4):          # (a join may be one that ts-mls cannot do)
        if len({m.kind for m in room.members}) == 2:
            break
        missing = next(k for k in KINDS if k not in {m.kind for m in room.members})
        room.commit(room.members[0], public, adds=[room.newcomer(missing)])
    room.late_mail(0)
    room.everyone_says()


def refusals(room):
    """What ts-mls makes by itself and we refuse: a lifetime without an end, and a compressed ECDSA key."""
    a = room.create('ours')
    m = room.newcomer('ts-mls')
    kp = room.ask(m, 'kp %s %s' % (m.hexname(), 'default' if room.suite == 1 else 'compressed'))
    room.refused(a, 'commit 0 add:' + kp, 'a key package that must not be taken')
    room.commit(a, False, adds=[room.newcomer('ts-mls')])
    room.everyone_says()
