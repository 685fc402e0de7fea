#!/usr/bin/env python3
"""What a front must let through and hold back: long polls, large bodies, paths that are none of the relay's.

Use: front_requests.py poll|sizes|most --as stream|http --at PLACE --relay PLACE --token HEX [--wait S]
"""
import argparse
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawhttp import Findings, Place, Queue, exchange, one, request  # noqa: E402


def code_of(answer):
    """The relay's word for an error, when the answer is of its form."""
    try:
        return json.loads(answer[1])['code']
    except (ValueError, KeyError, TypeError):
        return None


def poll(args, f):
    """A poll without news lasts as long as it was asked to; one with news ends at once; both get their whole answer."""
    empty, woken = Queue(args.token), Queue(args.token)
    for queue in (empty, woken):
        assert one(args.relay, queue.create())[0] == 201
    took = {}

    def wait(name, queue):
        began = time.monotonic()
        took[name] = (one(args.at, queue.poll(args.wait), timeout=args.wait + 20), time.monotonic() - began)
    threads = [threading.Thread(target=wait, args=(name, queue)) for name, queue in (('empty', empty), ('woken', woken))]
    for t in threads:
        t.start()
    time.sleep(args.wait / 2)
    sent = time.monotonic()
    assert one(args.relay, woken.append(b'n' * 512))[0] == 200
    threads[1].join()
    late = time.monotonic() - sent
    (status, body), _ = took['woken']
    f.check(status == 200 and body[-8:] == (1).to_bytes(8, 'big') and late < 3,
            '%s: news ends a long poll at once (%.2f s)' % (args.kind, late), (status, body))
    threads[0].join()
    (status, body), seconds = took['empty']
    f.check(status == 200 and body == b'\0' and args.wait - 1 <= seconds < args.wait + 8,
            '%s: a long poll of %d s without news lasts %.1f s' % (args.kind, args.wait, seconds), (status, body))


def sizes(args, f):
    queue = Queue(args.token)
    assert one(args.at, queue.create())[0] == 201
    f.check(one(args.at, queue.append(b'c' * (512 << 10)))[0] == 200, '%s: the largest cell passes' % args.kind)
    got = one(args.at, queue.look())
    f.check(got[0] == 200 and b'c' * (512 << 10) in got[1], '  and comes back whole')
    write = ['Authorization: Bearer ' + queue.write.hex()]
    path = '/v1/queues/%s/cells' % queue.address
    got = one(args.at, request('POST', path, write, b'x' * (1 << 20)))
    f.check(got[0] == 400 and code_of(got) == 'format', '%s: a body of 1 MiB reaches the relay' % args.kind, got)
    got = one(args.at, request('POST', path, write, b'x' * ((1 << 20) + 1)))
    f.check(got[0] == 413 and code_of(got) == 'too-large', '%s: one byte more is 413 in the relay\'s form' % args.kind, got)
    got = one(args.at, request('POST', path, [], b'x' * (65 << 10)))
    f.check(got[0] == 413 and code_of(got) == 'too-large', '%s: without the token 65 KiB are too large' % args.kind, got)
    got = one(args.at, request('GET', '/'))
    f.check(got[0] == 200 and b'<title>' in got[1], '%s: / is the page for observers' % args.kind, got)
    for target in ('/index.html', '/v2/poll', '/rr/x'):
        got = one(args.at, request('GET', target))
        f.check(got[0] == 404 and code_of(got) == 'not-found', '%s: %s is not there' % (args.kind, target), got)
    if args.kind == 'http':
        got, _ = exchange(args.at, request('POST', '/v1/queues', ['Transfer-Encoding: chunked']) +
                          b'60\r\n' + Queue(args.token).body + b'\r\n0\r\n\r\n')
        f.check([s for s, _ in got] == [201], 'http: nginx takes a chunked body apart before the relay sees it', got)


def most(args, f):
    """nginx with several worker processes has no more than --most connections to the relay, all of them together."""
    answers = []
    queue = Queue(args.token)
    assert one(args.relay, queue.create())[0] == 201

    def wait():
        answers.append(one(args.at, queue.poll(3), timeout=20))
    threads = [threading.Thread(target=wait) for _ in range(8 * args.most)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    got = sorted(a[0] for a in answers)
    f.check(got.count(200) == args.most, '%s: of %d requests at a time %d are with the relay (max_conns, in its zone)'
            % (args.kind, len(got), args.most), got)
    f.check(all(a[0] == 200 or (a[0] == 503 and code_of(a) == 'busy') for a in answers),
            '%s: the others are told busy' % args.kind, got)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('what', choices=('poll', 'sizes', 'most'))
    p.add_argument('--as', dest='kind', required=True, choices=('stream', 'http', 'haproxy'))
    p.add_argument('--at', required=True, type=Place)
    p.add_argument('--relay', required=True, type=Place)
    p.add_argument('--token', required=True)
    p.add_argument('--wait', type=int, default=60)
    p.add_argument('--most', type=int)
    args = p.parse_args()
    f = Findings()
    {'poll': poll, 'sizes': sizes, 'most': most}[args.what](args, f)
    return f.failed != 0


sys.exit(main())
