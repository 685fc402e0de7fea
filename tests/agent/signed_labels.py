#!/usr/bin/env python3
"""The labels under which roots' and delegates' keys sign are those of tests/agent/signed.txt, and nothing else is signed by them.

Use: signed_labels.py [FILE.c]     FILE.c: one source more, for the test of this test
A call of dt_label_sign() outside the crypto room names its label by a literal or by a #define of its file. A call of
dt_ed25519_sign() signs without a label: the log room does, with keys of registers and witnesses, as C2SP's formats say.
"""
import glob
import os
import re
import sys

TOP = os.environ.get('DT_TOP') or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
failed = 0


def check(ok, what):
    global failed
    if not ok:
        failed += 1
        print('FAILED: %s' % what)


MAY_HAVE_SEED = ('dt_founding_sign', 'dt_rejoin_sign', 'dt_approval_sign', 'dt_inbox_request_sign', 'dt_leave_sign', 'dt_record_make',
                 'dt_letter_request_make', 'dt_voucher_sign', 'dt_courier_ack_sign', 'dt_destroyed_sign',
                 # made, derived from, kept
                 'dt_ed25519_new', 'dt_ed25519_pub', 'dt_hkdf_expand', 'dt_buf_append', 'dt_write_view', 'read_secret',
                 'dt_secret_clear')


def enclosing(text, at):
    """The names of the calls around a place, the innermost first."""
    names = []
    depth = 0
    while at > 0 and text[at] not in ';{}':
        if text[at] == ')':
            depth += 1
        elif text[at] == '(' and depth > 0:
            depth -= 1
        elif text[at] == '(':
            name = re.search(r'(\w+)\s*$', text[:at])
            if name:
                names.append(name.group(1))
        at -= 1
    return names + ['nothing', 'nothing']


table = {}
with open(os.path.join(TOP, 'tests/agent/signed.txt'), encoding='utf-8') as f:
    for line in f:
        if not line.startswith('#'):
            label, key = re.match(r'(\S+(?: \S+)*?)  +(root|delegate|both)  +\S', line).groups()
            table[label] = key
seen = set()
sources = glob.glob(TOP + '/src/**/*.c', recursive=True) + sys.argv[1:]
for path in sources:
    room = os.path.relpath(path, TOP + '/src').split('/')[0]
    with open(path, encoding='utf-8') as f:
        text = f.read()
    defines = dict(re.findall(r'^#define\s+(\w+)\s+("[^"]*")', text, re.M))
    for call in re.findall(r'\bdt_label_sign\(\s*[^,]+?,\s*([^,]+?),', text) if room != 'crypto' else []:
        label = defines.get(call, call)
        check(label.startswith('"'), '%s: the label %s is no text' % (path, call))
        label = label.strip('"')
        check(label in table, '%s: "%s" is signed, and tests/agent/signed.txt does not say what that holds' % (path, label))
        seen.add(label)
    if room not in ('crypto', 'log'):
        check(not re.search(r'\bdt_ed25519_sign(_ready)?\(', text),
              '%s: dt_ed25519_sign(): signed without a label, so nobody can say what it holds' % path)
    # A delegate's seed goes to the functions that sign by a label, to what is derived from it, and into its own home.
    for at in re.finditer(r'->delegate_seed\b', text):
        names = enclosing(text, at.start())
        name = names[1] if names[0] == 'dt_secret_view' else names[0]
        check(name in MAY_HAVE_SEED, "%s: a delegate's key goes to %s()" % (path, name))
for label in sorted(set(table) - seen):
    check(False, 'tests/agent/signed.txt: nothing in src signs "%s"' % label)
print('%d passed, %d failed, 0 skipped' % (len(table) if failed == 0 else 0, failed))
sys.exit(failed > 0)
