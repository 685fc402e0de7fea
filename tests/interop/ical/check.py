#!/usr/bin/env python3
"""Calendars of src/instrument/ical.c, read by a parser that others wrote.

Use: check.py SAMPLE | check.py --calendar FILE
SAMPLE is build/tests/ical-sample: it writes a calendar of random events, and what it put in. The calendar is read by the npm
package ical.js, and by a few lines of Python here; both must give what was put in. With --calendar: FILE, whatever wrote it,
is printed as ical.js reads it. Exit status 77: node or the package is not here.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, 'tools'))
from npm import modules  # noqa: E402


def by_ical_js(folder, path):
    done = subprocess.run(['node', os.path.join(HERE, 'read.cjs'), folder, path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=120)
    if done.returncode != 0:
        sys.exit('ical.js does not read %s' % path)
    return json.loads(done.stdout.decode('utf-8'))


def lines_of(path):
    """Content lines, unfolded; RFC 5545 section 3.1 holds for the file."""
    with open(path, 'rb') as f:
        raw = f.read()
    if not raw.endswith(b'\r\n'):
        sys.exit('the last line does not end in CRLF')
    lines = raw[:-2].split(b'\r\n')
    out = []
    for line in lines:
        if len(line) > 75 or b'\n' in line or b'\r' in line:
            sys.exit('a line of %d octets, or with a bare line end: %r' % (len(line), line))
        text = line.decode('utf-8')     # no character is cut in two
        if text.startswith(' '):
            out[-1] += text[1:]
        else:
            out.append(text)
    return out


def by_hand(path):
    events, event, alarm = [], None, None
    for line in lines_of(path):
        name, value = line.split(':', 1)
        if line == 'BEGIN:VEVENT':
            event = {'alarms': 0}
        elif line == 'END:VEVENT':
            events.append(event)
        elif line in ('BEGIN:VALARM', 'END:VALARM'):
            alarm = line.startswith('BEGIN')
            event['alarms'] += alarm
        elif event is not None and not alarm and name in ('UID', 'SUMMARY', 'DESCRIPTION'):
            event[name.lower()] = re.sub(r'\\(.)', lambda m: '\n' if m.group(1) in 'nN' else m.group(1), value)
    return events


def shown(text):
    """What of a text is to come out: no control characters but line feeds."""
    return ''.join(c for c in text if c == '\n' or not (ord(c) < 32 or 127 <= ord(c) < 160))


def main():
    folder, why = modules(HERE, 'interop-ical', 'ical.js')
    if why:
        print('skipped: ' + why)
        return 77
    if sys.argv[1] == '--calendar':
        lines_of(sys.argv[2])
        print(json.dumps(by_ical_js(folder, sys.argv[2]), indent=1))
        return 0
    with tempfile.TemporaryDirectory() as work:
        path, put_in = os.path.join(work, 'a.ics'), os.path.join(work, 'a.json')
        subprocess.run([sys.argv[1], path, put_in], check=True, timeout=120)
        with open(put_in, encoding='utf-8') as f:
            want = [json.loads(line) for line in f]
        got, hand = by_ical_js(folder, path), by_hand(path)
    bad = 0
    # It takes a name that RFC 5545 does not know as it stands, not as TEXT.
    if (got['version'], got['name']) != ('2.0', r'A name\; with\, marks\\') or len(want) < 200:
        sys.exit('the head of the calendar is %r, %r, with %d events' % (got['version'], got['name'], len(want)))
    for w, g, h in zip(want, got['events'], hand):
        expected = {'uid': w['uid'], 'summary': shown(w['summary']),
                    'description': shown(w['description']) if w['description'] else None, 'start': w['at'] // 1000 * 1000, 'utc': True,
                    'stamp': w['stamp'] // 1000 * 1000,
                    'alarms': [{'action': 'DISPLAY', 'before': ms, 'text': shown(w['summary'])} for ms in w['alarms']]}
        by_us = {'uid': w['uid'], 'summary': shown(w['summary']), 'alarms': len(w['alarms'])}
        if w['description']:
            by_us['description'] = shown(w['description'])
        if g != expected or h != by_us:
            bad += 1
            if bad <= 3:
                print('want %r\n got %r\n and %r' % (expected, g, h))
    if len(got['events']) != len(want) or len(hand) != len(want):
        sys.exit('%d events were put in, ical.js reads %d' % (len(want), len(got['events'])))
    print('%d passed, %d failed, 0 skipped' % (len(want) - bad, bad))
    return 1 if bad else 0


sys.exit(main())
