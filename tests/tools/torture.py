#!/usr/bin/env python3
"""Make the n-th allocation, random call, write, sync, open, connect or read of a program fail, n rising.

Use: torture.py agent|files|sync|witness BIN SHIM [--each N | --all] [--seed N], in a folder that tests/e2e/24-faults.sh has set up.
After each run that failed: a documented exit status, exactly one line of complaint, nothing on standard output, the
store whole, the state as before or as after, and the same command without a fault does its work. --each goes through N
places of each kind, drawn anew with each seed; --all through all. Prints "ok:" and "FAILED:" lines.
"sync" cannot be put back, since the relay and the others see it: there the forum goes on with each run, with messages
and Commits in it, and at the end every acknowledged message is on all sides exactly once and nobody has an alarm.
"witness" likewise: the register grows with each run, and what the witness says that it cosigned the relay has, nothing
is cosigned that its state does not hold.
"""
import argparse
import errno
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.request

# What is counted, and with which errors it fails; the word says whether only the n-th call or all from it on do.
FAULTS = [
    ('alloc', 'once', 0), ('alloc', 'on', 0),
    ('random', 'once', errno.EIO), ('random', 'on', errno.EIO), ('random', 'once', errno.EINTR),
    ('write', 'once', errno.EIO), ('write', 'on', errno.ENOSPC), ('write', 'once', errno.EINTR), ('write', 'short', 0),
    ('sync', 'once', errno.EIO), ('sync', 'on', errno.ENOSPC),
    ('open', 'once', errno.EMFILE), ('open', 'on', errno.EMFILE), ('open', 'on', errno.EACCES),
    ('connect', 'once', errno.ECONNREFUSED), ('connect', 'on', errno.ENETUNREACH),
    ('read', 'once', errno.EIO), ('read', 'on', errno.ECONNRESET), ('read', 'once', errno.EINTR), ('read', 'short', 0),
    ('file', 'once', errno.EIO), ('file', 'on', errno.ENOSPC),
]
# A line that says something: who speaks, and words; nothing that a terminal acts on, no "(null)", no empty parts.
LINE = re.compile(r'^detente(-relay)?: [^\x00-\x1f\x7f]{8,500}$')
GARBAGE = re.compile(r'\(null\)|: :|::$|: $|a test made|internal error$')


class Torture:
    def __init__(self, args):
        self.bin = args.bin
        self.shim = args.shim
        self.each = args.each
        self.rng = random.Random(args.seed)
        self.wrong = 0
        self.runs = 0

    def fault_env(self, kind, how, number, n, program='detente'):
        env = dict(os.environ, LD_PRELOAD=self.shim, DT_FAULT_PROGRAM=program, DT_FAULT_KIND=kind)
        if n is None:
            env['DT_FAULT_COUNT_FILE'] = os.path.abspath('fault-count')
        else:
            env['DT_FAULT_AT'] = str(n)
        if number:
            env['DT_FAULT_ERRNO'] = str(number)
        if how == 'on':
            env['DT_FAULT_ON'] = '1'
        if how == 'short':
            env['DT_FAULT_SHORT'] = '1'
        return env

    def run(self, argv, env=None, timeout=60):
        try:
            p = subprocess.run([self.bin + '/detente'] + argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=timeout)
        except subprocess.TimeoutExpired:
            return 'hangs', b'', ''
        return p.returncode, p.stdout, p.stderr.decode('utf-8', 'replace')

    def places(self, total):
        """1 to total: all, or each of a number of equal steps at a place drawn in it."""
        if self.each is None or total <= self.each:
            return list(range(1, total + 1))
        step = total / self.each
        return sorted({min(total, 1 + int(i * step + self.rng.random() * step)) for i in range(self.each)})

    def complain(self, what, text):
        self.wrong += 1
        print('FAILED: %s: %s' % (what, text))
        sys.stdout.flush()

    def judge(self, what, rc, err, statuses, notes):
        """Did it end as it should? True when it said that it did its work."""
        if rc not in (0, 'hangs') and rc not in statuses:
            self.complain(what, 'exit status %s, stderr %r' % (rc, err[-300:]))
        elif rc == 'hangs':
            self.complain(what, 'does not end')
        elif rc != 0:
            # Notes that the command gives anyhow may stand before it.
            lines = [x for x in err.splitlines() if x not in notes]
            if len(lines) != 1 or not LINE.match(lines[0]) or GARBAGE.search(lines[0]):
                self.complain(what, 'not one clear line: %r' % lines)
        elif err.strip() and 'detente: ' in err:
            self.complain(what, 'status 0 with a complaint: %r' % err[-300:])
        return rc == 0


class Case:
    """One command in a folder that is put back before each run."""
    def __init__(self, name, argv, home=None, before=(), creates=(), looks=(), statuses=(3,), kinds=None):
        self.name = name
        self.argv = argv
        self.home = home          # its pristine copy is home + '.pristine'; None: the command has none
        self.creates = creates    # files that are not there before, and whole or not there afterwards
        self.looks = looks        # commands whose output is the state: before or after, nothing between
        self.statuses = statuses
        self.before = before
        self.kinds = kinds


def put_back(case):
    if case.home:
        shutil.rmtree(case.home, ignore_errors=True)
        if os.path.isdir(case.home + '.pristine'):
            shutil.copytree(case.home + '.pristine', case.home)
    for f in case.creates:
        if os.path.isdir(f):
            shutil.rmtree(f)
        elif os.path.exists(f):
            os.unlink(f)
    for frm, to in case.before:
        shutil.copy(frm, to)


def state_of(t, case):
    """What the commands in case.looks show; ids and times differ between runs, so they are struck out."""
    state = []
    for argv in case.looks:
        rc, out, err = t.run(argv)
        if rc != 0:
            return None, err
        text = out.decode()
        text = re.sub(r'\d{4}-\d\d-\d\dT[0-9:.]+Z', 'TIME', text)
        text = re.sub(r'\b[0-9a-f]{12,}\b', 'HEX', text)
        state.append(text)
    return state, ''


def torture(t, case):
    wrong_before = t.wrong
    runs_before = t.runs
    refused = 0
    put_back(case)
    before, err = state_of(t, case)
    rc, out, err2 = t.run(case.argv)
    if rc != 0 or (case.looks and before is None and not case.creates):
        t.complain(case.name, 'does not run without faults: %s %s' % (err, err2))
        return
    after, err = state_of(t, case)
    lines = out.count(b'\n')
    notes = err2.splitlines()
    totals = {}
    for kind, how, number in FAULTS:
        if case.kinds and kind not in case.kinds:
            continue
        if kind not in totals:
            put_back(case)
            if os.path.exists('fault-count'):
                os.unlink('fault-count')
            t.run(case.argv, t.fault_env(kind, 'once', 0, None))
            try:
                totals[kind] = int(open('fault-count').read())
            except (OSError, ValueError):
                t.complain(case.name, 'the shim counted nothing')
                return
        for n in t.places(totals[kind]):
            what = '%s, %s %d of %d fails (%s, %s)' % (
                case.name, kind, n, totals[kind], how, errno.errorcode.get(number, '-'))
            t.runs += 1
            put_back(case)
            rc, out, err = t.run(case.argv, t.fault_env(kind, how, number, n))
            done = t.judge(what, rc, err, case.statuses, notes)
            refused += not done
            if done and out.count(b'\n') != lines:
                t.complain(what, 'status 0 with less on standard output: %r, and %r' % (out[:300], err[-300:]))
            if case.home and os.path.isdir(case.home):
                rc, out, err = t.run(['--home', case.home, 'check'])
                if rc != 0 and not (case.home in case.creates and not done):
                    t.complain(what, 'the store is not whole: %r' % err[-300:])
            now, err = state_of(t, case)
            if now != after and (done or now != before):
                t.complain(what, 'status %s, and the state is neither before nor after: %r' % (done, now or err))
            for f in case.creates:
                if done and not os.path.exists(f):
                    t.complain(what, 'said done, and there is no ' + f)
            litter = [f for f in os.listdir('.') if re.search(r'\.new-|^\..*\.[A-Za-z0-9]{6}$', f)]
            for f in litter:
                if kind not in ('file', 'alloc'):
                    t.complain(what, 'left behind ' + f)
                os.unlink(f)
            if not done:  # goes on without help
                if now == before or now is None:
                    rc, out, err = t.run(case.argv)
                    if rc != 0 and not (now is None and 'exists' in err):
                        t.complain(what, 'does not go on afterwards: %r' % err[-300:])
    if t.wrong == wrong_before:
        print('ok: %s: %d runs with a fault, %d of them refused in one line; the state is whole (%s)' % (
            case.name, t.runs - runs_before, refused, ', '.join('%s %d' % x for x in sorted(totals.items()))))
    sys.stdout.flush()


def home_cases():
    h = ['--home', 'us']
    look = [h + ['read', 'plenary', '--json'], h + ['records', '--json']]
    return [
        Case('send', h + ['send', 'plenary', 'a text of the exercise'], 'us', looks=look),
        Case('record', h + ['record', 'contact', 'plenary', '--csv', 'contacts.csv', '--row', 'c10', '--yes', '--quiet'],
             'us', looks=look),
        Case('read', h + ['read', 'plenary', '--json'], 'us', looks=look),
        Case('status', h + ['status', '--json'], 'us'),
        Case('consent', h + ['consent', open('record').read().strip(), '--fields', 'level', '--yes', '--quiet'], 'us',
             looks=look),
        Case('found', h + ['found', 'talks', '--with', 'Boris South', '--kind', 'track'], 'us',
             looks=[h + ['channels', '--json']]),
        Case('letter import', h + ['letter', 'import', 'med2.letter'], 'us', looks=[h + ['people', '--json']]),
        Case('init', ['--home', 'fresh', 'init', '--charter', 'charter', '--grant', 'grants/north.grant', '--party',
                      'north', '--name', 'New North', '--title', 'Delegate'], 'fresh', creates=['fresh'],
             looks=[['--home', 'fresh', 'people', '--json']]),
    ]


def file_cases():
    return [
        Case('root new', ['root', 'new', '--out', 'x.root'], creates=['x.root', 'x.root.pub']),
        Case('witness keygen', ['witness', 'keygen', '--name', 'witness.example/x', '--out', 'x.witness'],
             creates=['x.witness']),
        Case('charter draft', ['charter', 'draft', '--grant', 'grants/neutral.grant', '--title', 'T', '--out', 'x.charter',
                               '--party', 'north=north.root.pub', '--party', 'south=south.root.pub',
                               '--mediator', 'neutral=neutral.root.pub'], creates=['x.charter']),
        Case('letter issue', ['letter', 'issue', '--root', 'neutral.root', '--charter', 'charter', '--request',
                              'med.request', '--out', 'x.letter'], creates=['x.letter']),
        Case('charter show', ['charter', 'show', '--json', 'charter']),
        Case('open', ['--home', 'us', 'open', open('record').read().strip(), '--fields', 'mode,started_at', '--out',
                      'x.proof'], 'us', creates=['x.proof']),
        Case('verify', ['verify', 'c.proof', '--forum', open('forum').read().strip(), '--json']),
        Case('register check', ['register', 'check', '--proof', 'c.proof', '--forum', open('forum').read().strip()]),
    ]


def torture_sync(t):
    """us syncs with a fault, again and again; ru and med talk and rotate meanwhile."""
    argv = ['--home', 'us', '--quiet', 'sync']
    sure = []
    totals = {}
    refused = 0
    places = []

    def must(args):
        rc, out, err = t.run(args)
        if rc != 0:
            t.complain('sync: without a fault', '%s: %r' % (' '.join(args), err))

    def news(n):
        """Something to send, and something to fetch: a message, and every fourth time a Commit."""
        for who in ('us', 'ru'):
            text = 'message %d of %s' % (n, who)
            must(['--home', who, 'send', 'plenary', text])
            sure.append(text)
        if n % 4 == 3:
            must(['--home', 'ru', 'rotate', 'plenary'])
        for who in ('ru', 'med'):
            must(['--home', who, 'sync'])

    for kind, how, number in FAULTS:
        if kind not in totals:
            news(t.runs)
            t.runs += 1
            t.run(argv, t.fault_env(kind, 'once', 0, None))
            totals[kind] = int(open('fault-count').read())
        places += [(kind, how, number, n) for n in t.places(totals[kind])]
    t.rng.shuffle(places)
    for kind, how, number, n in places:
        what = 'sync, %s %d fails (%s, %s)' % (kind, n, how, errno.errorcode.get(number, '-'))
        news(t.runs)
        t.runs += 1
        rc, out, err = t.run(argv, t.fault_env(kind, how, number, n))
        refused += not t.judge(what, rc, err, (3,), [])
        rc, out, err = t.run(['--home', 'us', 'check'])
        if rc != 0:
            t.complain(what, 'the store is not whole: %r' % err)
    for _ in range(6):
        for who in ('us', 'ru', 'med'):
            must(['--home', who, 'sync'])
    for who in ('us', 'ru', 'med'):
        rc, out, err = t.run(['--home', who, 'read', 'plenary', '--json'])
        texts = [m.get('text') for m in json.loads(out)['talk']]
        wrong = [x for x in sure if texts.count(x) != 1]
        if wrong:
            t.complain('sync', '%s: %d messages are missing or doubled: %s' % (who, len(wrong), wrong[:3]))
        rc, out, err = t.run(['--home', who, 'alarms'])
        if out.strip():
            t.complain('sync', '%s has alarms: %r' % (who, out[:400]))
    if not t.wrong:
        print('ok: sync: %d runs with a fault, %d of them refused in one line; %d messages are on all sides once (%s)' % (
            len(places), refused, len(sure), ', '.join('%s %d' % x for x in sorted(totals.items()))))


def torture_witness(t):
    """The register grows by one entry before each run of north's witness with a fault."""
    grant = json.load(open('grants/north.grant'))
    register = grant['relay'] + grant['register']['prefix'].rstrip('/')
    argv = ['witness', 'run', '--once', '--key', 'north.witness', '--state', 'north.state', '--register', register,
            '--vkey', grant['register']['vkey']]
    key_id = next(w['vkey'] for w in grant['witnesses'] if w['group'] == 'north').split('+')[1]
    size = 0
    totals = {}
    refused = 0
    wrong_before = t.wrong

    def grow():
        request = urllib.request.Request(register + '/append', b'\1' + t.rng.randbytes(32), {
            'Authorization': 'Bearer ' + grant['append_key'], 'Content-Type': 'application/octet-stream'})
        with urllib.request.urlopen(request, timeout=10) as a:
            return int.from_bytes(a.read(), 'big') + 1

    def cosigned():
        """The largest size that the relay has a cosignature of ours for."""
        with urllib.request.urlopen(register + '/checkpoint?by=' + key_id, timeout=10) as a:
            return int(a.read().split(b'\n')[1])

    def held():
        db = sqlite3.connect('file:north.state?mode=ro', uri=True)
        n = db.execute('SELECT size FROM state').fetchone()[0]
        db.close()
        return n

    def look(what, err):
        said = [int(x) for x in re.findall(r'cosigned size (\d+)', err)]
        if said and said[-1] > cosigned():
            t.complain(what, 'it says that it cosigned %d, and the relay has %d' % (said[-1], cosigned()))
        if cosigned() > held():
            t.complain(what, 'cosigned %d, and its state holds %d' % (cosigned(), held()))

    for kind, how, number in FAULTS:
        if kind not in totals:
            size = grow()
            rc, out, err = t.run(argv, t.fault_env(kind, 'once', 0, None))
            if rc != 0:
                t.complain('witness', 'does not run without faults: %r' % err)
                return
            notes = [re.sub(r'\d+', 'N', x) for x in err.splitlines()]
            totals[kind] = int(open('fault-count').read())
        for n in t.places(totals[kind]):
            what = 'witness, %s %d of %d fails (%s, %s)' % (kind, n, totals[kind], how, errno.errorcode.get(number, '-'))
            t.runs += 1
            size = grow()
            rc, out, err = t.run(argv, t.fault_env(kind, how, number, n))
            said = [x for x in err.splitlines() if re.sub(r'\d+', 'N', x) in notes]
            done = t.judge(what, rc, re.sub(r'(?m)^detente: (?=cosigned)', '', err), (3,), said)
            refused += not done
            look(what, err)
            if done and cosigned() != size:
                t.complain(what, 'status 0, and size %d is not cosigned' % size)
            rc, out, err = t.run(argv)
            if rc != 0 or cosigned() != size:
                t.complain(what, 'does not go on afterwards: %r' % err[-300:])
            look(what, err)
    if t.wrong == wrong_before:
        print('ok: witness: %d runs with a fault, %d of them refused in one line; %d sizes cosigned, none before its state'
              ' (%s)' % (t.runs, refused, size, ', '.join('%s %d' % x for x in sorted(totals.items()))))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('what', choices=['agent', 'files', 'sync', 'witness'])
    p.add_argument('bin')
    p.add_argument('shim')
    p.add_argument('--each', type=int)
    p.add_argument('--all', action='store_true')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--only')
    args = p.parse_args()
    if args.all:
        args.each = None
    t = Torture(args)
    if args.what in ('sync', 'witness'):
        {'sync': torture_sync, 'witness': torture_witness}[args.what](t)
        sys.exit(t.wrong != 0)
    for case in home_cases() if args.what == 'agent' else file_cases():
        if args.only is None or args.only == case.name:
            torture(t, case)
    sys.exit(t.wrong != 0)


main()
