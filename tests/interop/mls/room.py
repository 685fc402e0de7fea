"""A group of members of both implementations, step by step, with what must hold after each step."""
from peers import Broken

# ts-mls 1.6.4 refuses a good tree when it joins: it wants the unmerged_leaves of all nodes above an unmerged leaf to be
# equal, where RFC 9420 section 12.4.3.1 wants each of them to list that leaf. (A node higher up may list leaves of its
# other half too.) That the tree is good shows in those who are in the group: their confirmation tags cover its hash.
REFUSES_UNMERGED = 'non-blank intermediate node must list leaf node in its unmerged_leaves'

# Of private use, and in the capabilities of every member here.
EXTENSION = 0xf0a1
PROPOSAL = 0xf0b1
# required_capabilities (RFC 9420 section 11.1): these two, and the basic credential.
REQUIRED = '02%04x02%04x020001' % (EXTENSION, PROPOSAL)
PSKS_KEPT = 3       # resumption PSKs of ended epochs that mls-peer keeps; ts-mls has four


class Member:
    def __init__(self, peer, name):
        self.peer = peer
        self.name = name
        self.kind = peer.kind
        self.leaf = None
        self.kp = None
        self.since = 0          # its first epoch in the group

    def __repr__(self):
        return '%s(%s)' % (self.name, self.kind)

    def hexname(self):
        return self.name.encode().hex()


def short(line):
    return ' '.join(w if len(w) <= 40 else '%s..(%d)' % (w[:24], len(w) // 2) for w in line.split(' '))


class Room:
    """What happens in one group. Every answer is checked; the first wrong one raises Broken."""

    def __init__(self, pool, suite, rng, counts, steps):
        self.pool = pool
        self.suite = suite
        self.rng = rng
        self.counts = counts
        self.members = []
        self.gone = []
        self.stuck = []         # in the tree, and could not join
        self.steps = steps
        self.epoch = 0
        self.next_name = 0
        self.said = 0
        self.n_psks = 0
        self.psks = []
        self.late = []          # (receiver, message, text, epoch of the message)
        self.extensions = ''    # of the GroupContext, as the lines have them

    # ---- lines

    def all_ask(self, members, lines):
        """The answers of all, in order; members work at the same time."""
        for m, line in zip(members, lines):
            self.steps.append('%r < %s' % (m, short(line)))
            m.peer.send(line)
        answers = [m.peer.receive() for m in members]
        for m, answer in zip(members, answers):
            self.steps.append('%r > %s' % (m, short(answer)))
        return answers

    def ask(self, member, line):
        return self.good(member, line, self.all_ask([member], [line])[0])

    def good(self, member, line, answer):
        word, _, rest = answer.partition(' ')
        if word != 'ok':
            raise Broken('%r answers %s to %s' % (member, short(answer), short(line)))
        return rest

    def all_want(self, members, line, want):
        for m, answer in zip(members, self.all_ask(members, [line] * len(members))):
            if self.good(m, line, answer) != want:
                raise Broken('%r answers %s to %s, and not %s' % (m, short(answer), short(line), want))

    def refused(self, member, line, why):
        answer = self.all_ask([member], [line])[0]
        if not answer.startswith('error '):
            raise Broken('%r takes %s: %s' % (member, short(line), why))
        self.counts['refused'] += 1

    # ---- members

    def newcomer(self, kind):
        m = Member(self.pool.lend(kind), 'm%d' % self.next_name)
        self.next_name += 1
        self.ask(m, 'init %d' % self.suite)
        for p in self.psks:
            self.ask(m, 'psk %s %s' % p)
        m.kp = self.ask(m, 'kp ' + m.hexname())
        return m

    def create(self, kind):
        m = self.newcomer(kind)
        self.ask(m, 'create ' + self.rng.randbytes(12).hex())
        self.members.append(m)
        self.note_leaves()
        return m

    def note_leaves(self):
        for m in self.members:
            m.leaf = int(self.ask(m, 'leaf'))

    def new_psk(self):
        """A pre-shared key that every member (and everyone who comes later) holds."""
        self.n_psks += 1
        p = (self.rng.randbytes(8).hex(), self.rng.randbytes(32).hex())
        self.psks = [p]         # a newcomer needs only the last one
        for m in self.members:
            self.ask(m, 'psk %s %s' % p)
        return p[0]

    # ---- what a proposal or a Commit can say

    def new_extensions(self):
        return 'ext:3=%s,%d=%s' % (REQUIRED, EXTENSION, self.rng.randbytes(self.rng.randrange(1, 80)).hex())

    def private_use(self):
        return 'private:%d=%s' % (PROPOSAL, self.rng.randbytes(self.rng.randrange(0, 80)).hex())

    def resumption(self):
        """The PSK of an epoch of this group that all members have seen."""
        oldest = max([self.epoch - PSKS_KEPT] + [m.since for m in self.members])
        return 'resume:%d' % self.rng.randint(oldest, self.epoch)

    # ---- commits

    def deliver(self, commit, by, gone, replaced=False, private='-'):
        """Everyone takes the commit, who made it as well; those in ${gone} learn that they are out.

        ts-mls 1.6.4 does not see its own removal when an Add of the same Commit takes its leaf (it looks whether the
        leaf is blank afterwards), and ends with an error of its own: ${replaced}.
        """
        staying = [m for m in self.members if m is not by and m not in gone]
        self.all_want(staying, 'process ' + commit, 'commit')
        self.all_want([m for m in gone if not (replaced and m.kind == 'ts-mls')], 'process ' + commit, 'removed')
        if by in self.members:
            self.all_want([by], 'process ' + commit, 'own')
        self.epoch += 1
        self.members = [m for m in self.members if m not in gone]
        self.all_want(self.members, 'private', private)
        self.gone += gone
        self.late = [entry for entry in self.late if entry[0] in self.members]
        self.counts['commits'] += 1

    def commit(self, by, public, adds=(), removes=(), psk=None, by_reference=(), rotate=False, say=(), apart=False):
        """One commit of ${by}, with what each of ${by_reference} ((member, word) pairs) proposed before.

        A pair without a member was proposed from outside. ${say}: more words. ${apart}: the tree is not in the Welcome.
        """
        adds, removes = list(adds), list(removes)
        for proposer, word in by_reference:
            if proposer is None:
                continue
            proposal = self.ask(proposer, 'propose %d %s' % (public, word))
            others = [m for m in self.members if m is not proposer]
            self.all_want(others, 'process ' + proposal, 'proposal')
            self.counts['proposals'] += 1
        words = ['add:' + m.kp for m in adds if not any(w == 'add:' + m.kp for _, w in by_reference)]
        words += ['remove:%d' % m.leaf for m in removes if not any(w == 'remove:%d' % m.leaf for _, w in by_reference)]
        if psk is not None and not any(w == 'psk:' + psk for _, w in by_reference):
            words.append('psk:' + psk)
        words += say
        if rotate:
            words.append('rotate')
        if apart:
            words.append('apart')
            before = self.ask(by, 'tree')
        if by_reference:
            words.append('cached')
            if psk is not None and by.kind == 'ours':
                words.append('held:' + psk)
        commit, welcome = self.ask(by, ' '.join(['commit %d' % public] + words)).split(' ')
        if (welcome != '-') != bool(adds):
            raise Broken('a Welcome without an Add, or an Add without a Welcome')
        if apart:
            self.refused(adds[0], 'join ' + welcome, 'there is no tree')
            self.refused(adds[0], 'join %s %s' % (welcome, before), 'that is the tree of the epoch before')
            welcome += ' ' + self.ask(by, 'tree')
            self.counts['apart'] += 1
        private = '-'
        for word in list(say) + [w for _, w in by_reference]:
            what, _, value = word.partition(':')
            if what == 'private':
                private = value
            elif what == 'ext':
                self.extensions = value
            if what in ('private', 'ext', 'resume'):
                self.counts[what] += 1
        self.counts['resume'] += psk == 'former'
        self.deliver(commit, by, removes, replaced=bool(adds), private=private)
        self.all_join(adds, welcome)
        self.agree()
        if self.stuck:
            self.put_out()

    def put_out(self):
        """Remove those who could not join."""
        by = self.rng.choice(self.members)
        words = ['commit 0'] + ['remove:%d' % m.leaf for m in self.stuck]
        commit = self.ask(by, ' '.join(words)).split(' ')[0]
        self.counts['stuck'] += len(self.stuck)
        self.stuck = []
        self.deliver(commit, by, [])
        self.agree()

    def no_path(self, by, word, public):
        """${by} of ts-mls commits ${word} alone, without the path that this kind needs: no member of ours takes it."""
        commit = self.ask(by, 'commit %d %s' % (public, word)).split(' ')[0]
        for m in self.members:
            if m.kind == 'ours':
                self.refused(m, 'process ' + commit, 'a commit that needs a path')
        self.ask(by, 'drop')
        self.commit(next(m for m in self.members if m.kind == 'ours'), public)

    def asks_in(self, kind, helper):
        """One from outside proposes that it be added (RFC 9420 section 12.1.8); nobody has committed it yet."""
        m = self.newcomer(kind)
        proposal = self.ask(m, 'addself ' + self.ask(helper, 'gi apart'))
        self.all_want(self.members, 'process ' + proposal, 'proposal')
        self.counts['outside'] += 1
        return m

    def rotate(self, by, public, proposed=False):
        """A new signature key for the leaf of ${by} (one of ours), by Commit, or by an Update that another commits."""
        if proposed:
            other = self.rng.choice([m for m in self.members if m is not by])
            self.commit(other, public, by_reference=[(by, 'update rotate')])
        else:
            self.commit(by, public, rotate=True)
        self.counts['rotations'] += 1

    def all_join(self, adds, welcome):
        if adds:
            line = 'join ' + welcome
            for m, answer in zip(adds, self.all_ask(adds, [line] * len(adds))):
                if m.kind == 'ts-mls' and REFUSES_UNMERGED in answer:
                    self.stuck.append(m)
                    continue
                self.good(m, line, answer)
                m.since = self.epoch
                self.members.append(m)
                self.counts['joins'] += 1

    def race(self, first, second, public):
        """Two members commit on one epoch; ${first} is ordered first, and the other has lost."""
        commit = self.ask(first, 'commit %d path' % public).split(' ')[0]
        other = self.ask(second, 'commit %d path' % public).split(' ')[0]
        self.deliver(commit, first, [])
        self.ask(second, 'drop')
        for m in self.members:
            if m is not second:
                self.refused(m, 'process ' + other, 'a commit on an epoch that is over')
        self.agree()

    def external_join(self, helper, kind, again=None, psk=None, apart=False):
        """A newcomer (or a member that lost its state) enters by an external commit."""
        info = self.ask(helper, 'gi apart' if apart else 'gi')
        m = again
        if again is None:
            m = self.newcomer(kind)
        else:
            self.members.remove(again)
        line = 'extjoin %s%s' % (info, ' again' if again else '')
        if psk is not None and m.kind == 'ours':    # ts-mls has no PSKs here
            line += ' psk:' + psk
        if apart:
            self.refused(m, line, 'there is no tree')
            line += ' tree:' + self.ask(helper, 'tree')
            self.counts['apart'] += 1
        answer = self.all_ask([m], [line])[0]
        if m.kind == 'ts-mls' and REFUSES_UNMERGED in answer:
            self.counts['stuck'] += 1
            if again is not None:
                self.members.append(again)      # its state was not really lost
            return None
        commit = self.good(m, line, answer)
        self.deliver(commit, None, [])
        self.late = [entry for entry in self.late if entry[0] is not m]
        m.since = self.epoch
        self.members.append(m)
        self.counts['external'] += 1
        self.agree()
        return m

    # ---- the group that comes after this one

    def succeed(self, by, suite, usage, members, extensions='', apart=False):
        """${by} makes the group that comes after this one, of ${members} and itself; this one is left.

        A branch has this group's extensions; ${extensions}: what the ReInit asks for.
        """
        group_id = self.rng.randbytes(10).hex()
        if usage == 'reinit':
            commit = self.ask(by, ('reinit %s %d %s' % (group_id, suite, extensions)).rstrip())
            self.extensions = extensions
            self.deliver(commit, by, [])
            for m in self.members:
                self.refused(m, 'protect 00', 'this group is over')
        packages = {m: self.good(m, 'nextkp', a) for m, a in zip(
            [by] + members, self.all_ask([by] + members, ['nextkp %d' % suite] * (1 + len(members))))}
        words = ['succeed', usage, group_id] + ['apart'] * apart + [packages[m] for m in members]
        welcome = self.ask(by, ' '.join(words))
        if apart:
            self.refused(members[0], 'joinnext ' + welcome, 'there is no tree')
            welcome += ' ' + self.ask(by, 'tree')
            self.counts['apart'] += 1
        for m, answer in zip(members, self.all_ask(members, ['joinnext ' + welcome] * len(members))):
            self.good(m, 'joinnext', answer)
        self.suite, self.members, self.late, self.epoch = suite, [by] + members, [], 1
        for m in self.members:
            m.since = 1
        self.counts[usage] += 1
        self.agree()

    # ---- what must hold

    def agree(self):
        """Same epoch authenticator, same exporter, same roster; the extensions that were set."""
        context = self.rng.randbytes(5).hex()
        for line in ('auth', 'export interop %s 24' % context, 'members'):
            said = {self.good(m, line, a) for m, a in zip(self.members, self.all_ask(self.members, [line] * len(self.members)))}
            if len(said) != 1:
                raise Broken('members do not agree on %s after epoch %d: %s' % (line, self.epoch, sorted(map(short, said))))
        for one in filter(None, self.extensions.split(',')):
            self.all_want(self.members, 'extension ' + one.split('=')[0], one.split('=')[1])
        self.note_leaves()
        roster = dict(w.split(':') for w in said.pop().split(' '))
        for m in self.stuck:
            m.leaf = next((int(leaf) for leaf, name in roster.items() if name == m.hexname()), None)
        if roster != {str(m.leaf): m.hexname() for m in self.members + self.stuck}:
            raise Broken('the roster is %s' % roster)
        self.counts['agreed'] += 1

    def say(self, sender):
        text = ('%d of %s' % (self.said, sender.name)).encode() + self.rng.randbytes(self.rng.randrange(0, 40))
        self.said += 1
        return self.ask(sender, 'protect ' + text.hex()), text.hex()

    def hear(self, receiver, message, text):
        self.all_want([receiver], 'process ' + message, 'message ' + text)
        self.counts['messages'] += 1

    def everyone_says(self):
        """One message of each member, opened by all others."""
        for sender in self.members:
            message, text = self.say(sender)
            others = [m for m in self.members if m is not sender]
            self.all_want(others, 'process ' + message, 'message ' + text)
            self.counts['messages'] += len(others)

    def shuffled_talk(self):
        """Some messages of some members, to each receiver in an order of its own; some come after later commits."""
        talk = []
        for _ in range(self.rng.randrange(2, 7)):
            sender = self.rng.choice(self.members)
            talk.append((sender,) + self.say(sender))
        for receiver in self.members:
            mine = [(m, t) for s, m, t in talk if s is not receiver]
            self.rng.shuffle(mine)
            for message, text in mine:
                if self.rng.random() < 0.3:
                    self.late.append((receiver, message, text, self.epoch))
                else:
                    self.hear(receiver, message, text)
        sender, message, text = self.rng.choice(talk)
        again = self.rng.choice([m for m in self.members if m is not sender])
        if not any(r is again and m == message for r, m, _, _ in self.late):
            self.refused(again, 'process ' + message, 'the same message twice')
        for m in self.gone:
            self.refused(m, 'process ' + message, 'a removed member reads on')

    def late_mail(self, oldest):
        """Deliver what waits: all of it that is ${oldest} epochs old, the rest by chance."""
        self.rng.shuffle(self.late)
        kept = []
        for entry in self.late:
            receiver, message, text, epoch = entry
            if self.epoch - epoch >= oldest or self.rng.random() < 0.4:
                self.hear(receiver, message, text)
                self.counts['late'] += 1
            else:
                kept.append(entry)
        self.late = kept
