#!/usr/bin/env python3
"""Hold what agents show against what was said.

Use: talk_oracle.py sound SAID READ...    nothing is shown that was not said, and nothing twice
     talk_oracle.py whole SAID READ...    and all of it is shown, in one order everywhere
SAID has one text a line, READ is the output of detente read CHANNEL --json. Prints what is wrong; exit status 1.
The order is that of queue positions; a message of one's own that is not confirmed has none and is not whole.
"""
import collections
import json
import sys


def main():
    what, said_file, reads = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(said_file, encoding='utf-8') as f:
        said = f.read().splitlines()
    wrong, orders = [], {}
    if len(set(said)) != len(said) or not said:
        wrong.append('the list of what was said is empty or says something twice')
    for name in reads:
        with open(name, encoding='utf-8') as f:
            talk = json.load(f)['talk']
        count = collections.Counter(t['text'] for t in talk)
        wrong += ['%s shows %d times: %s' % (name, n, t) for t, n in count.items() if n > 1]
        wrong += ['%s shows what nobody said: %r' % (name, t) for t in count if t not in set(said)]
        if what == 'whole':
            wrong += ['%s does not show: %s' % (name, t) for t in said if t not in count]
            wrong += ['%s has not read back: %s' % (name, t['text']) for t in talk if not t['position']]
            orders[name] = [t['text'] for t in sorted(talk, key=lambda t: t['position'])]
    if what == 'whole' and len({tuple(o) for o in orders.values()}) > 1:
        first = reads[0]
        for name in reads[1:]:
            for i, (a, b) in enumerate(zip(orders[first], orders[name])):
                if a != b:
                    wrong.append('at place %d %s has %r, %s has %r' % (i + 1, first, a, name, b))
                    break
    for w in wrong[:20]:
        print(w)
    sys.exit(1 if wrong else 0)


main()
