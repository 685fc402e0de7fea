#!/usr/bin/env python3
"""Replay the recorded session of the shared vectors against a witness that serves.

Use: witness_session.py URL FOLDER ORIGIN, FOLDER with add_checkpoint.jsonl. Each request in its order over one kept
connection; the status must be spec_status, a 409 bears the stored size as text/x.tlog.size, a 200 signature lines and
nothing else; and after each step a monitor sees the size of the last 200. Prints a line a failure, and the counts.
"""
import base64
import hashlib
import http.client
import json
import os
import re
import sys
import urllib.parse


def size_of(request):
    """The size of the checkpoint in a request that was cosigned."""
    return int(request.split(b'\n\n', 1)[1].split(b'\n')[1])


def main():
    url, folder, origin = sys.argv[1:]
    host = urllib.parse.urlsplit(url).netloc
    c = http.client.HTTPConnection(host, timeout=20)
    path = '/%s/checkpoint' % hashlib.sha256(origin.encode()).hexdigest()
    stored, steps, failed = None, 0, 0

    def wrong(step, what):
        nonlocal failed
        failed += 1
        print('step %s (%s): %s' % (step['step'], step['name'], what))

    with open(os.path.join(folder, 'add_checkpoint.jsonl'), encoding='utf-8') as f:
        session = [json.loads(line) for line in f]
    for step in session:
        request = base64.b64decode(step['request_b64'])
        c.request('POST', '/add-checkpoint', request, {'Content-Type': 'text/plain'})
        answer = c.getresponse()
        body, kind = answer.read(), answer.getheader('Content-Type')
        steps += 1
        if answer.status != step['spec_status']:
            wrong(step, 'status %d, not %d' % (answer.status, step['spec_status']))
        if answer.status == 409 and (kind != 'text/x.tlog.size' or body != b'%d\n' % (stored or 0)):
            wrong(step, 'a 409 with %s and %r' % (kind, body))
        if answer.status == 200:
            stored = size_of(request)
            if not re.fullmatch('(\u2014 [^ +]+ [A-Za-z0-9+/]{102}==\n|\u2014 [^ +]+ [A-Za-z0-9+/]{103}=\n|\u2014 [^ +]+ [A-Za-z0-9+/]{104}\n)+',
                                body.decode('utf-8')):
                wrong(step, 'a 200 with %r' % body)
        c.request('GET', path)
        seen = c.getresponse()
        note = seen.read()
        if seen.status != (404 if stored is None else 200):
            wrong(step, 'a monitor gets %d' % seen.status)
        elif stored is not None and (note.split(b'\n')[:2] != [origin.encode(), b'%d' % stored] or
                                     seen.getheader('Access-Control-Allow-Origin') != '*'):
            wrong(step, 'a monitor sees %r' % note)
    print('%d steps, %d failed' % (steps, failed))
    sys.exit(1 if failed or not steps else 0)


main()
