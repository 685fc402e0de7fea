"""The console's server as anything on this machine can reach it: raw requests, and calls with a token.

Use: console_http.py ADDRESS PASSPHRASE-FILE OTHER-HOME-COMMAND...
ADDRESS is what `detente console` printed; OTHER-HOME-COMMAND (the program with its --home) runs commands in the same
home from outside. Prints a line a case, as a scenario's own are, and ends with their count.
"""
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time

address, passphrase_file = sys.argv[1:3]
outside = sys.argv[3:]
found = re.fullmatch(r'http://(127\.0\.0\.1):(\d+)/#k=([0-9a-f]{32})', address)
if not found:
    sys.exit('no address: %s' % address)
host, port, key = found.group(1), int(found.group(2)), found.group(3)
here = '%s:%d' % (host, port)
with open(passphrase_file, encoding='utf-8') as f:
    passphrase = f.readline().rstrip('\n')
counts = {'ok': 0, 'FAILED': 0}
answers = []        # every header section and body that came, to be searched at the end


def case(what, good, seen=''):
    word = 'ok' if good else 'FAILED'
    counts[word] += 1
    print('%s: %s%s' % (word, what, '' if good else ': ' + str(seen)[:400]))


def ask(method, path, body=None, **headers):
    c = http.client.HTTPConnection(host, port, timeout=60)
    c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    all_headers = {'Host': here}
    if body is not None:
        all_headers['Content-Type'] = 'application/json'
        all_headers['Content-Length'] = str(len(body))
    all_headers.update({k.replace('_', '-'): v for k, v in headers.items()})
    for name, value in all_headers.items():
        if value is not None:
            c.putheader(name, value)
    c.endheaders(body)
    r = c.getresponse()
    data = r.read()
    answers.append((r.getheaders(), data))
    return r.status, dict(r.getheaders()), data


def post(path, value, **headers):
    status, _, data = ask('POST', path, json.dumps(value).encode(), **headers)
    try:
        return status, json.loads(data)
    except ValueError:
        return status, data


# ---- before there is a session
status, headers, data = ask('GET', '/')
case('the page is there', status == 200 and b'<script' in data and headers['Content-Type'].startswith('text/html'), status)
policy = headers.get('Content-Security-Policy', '')
for part in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'",
             "base-uri 'none'", "require-trusted-types-for 'script'"):
    case('its policy says %s' % part, part in policy, policy)
case('and allows nothing inline or evaluated', 'unsafe' not in policy and 'http' not in policy, policy)
for name, value in (('X-Content-Type-Options', 'nosniff'), ('X-Frame-Options', 'DENY'), ('Referrer-Policy', 'no-referrer'),
                    ('Cross-Origin-Resource-Policy', 'same-origin'), ('Cross-Origin-Opener-Policy', 'same-origin'),
                    ('Cache-Control', 'no-store')):
    case('%s: %s' % (name, value), headers.get(name) == value, headers.get(name))

for name in ('rebind.example:%d' % port, 'rebind.example', '127.0.0.1', '[::1]:%d' % port, '0.0.0.0:%d' % port, here + '.evil.example'):
    for path in ('/', '/api/events'):
        status = ask('GET', path, Host=name)[0]
        case('Host %s gets nothing of %s' % (name, path), status == 421, status)
case('no Host', ask('GET', '/', Host=None)[0] == 400)
for origin in ('http://evil.example', 'null', 'https://' + here, 'http://localhost:%d' % port):
    status = ask('POST', '/api/session', b'{}', Origin=origin)[0]
    case('Origin %s' % origin, status == 403 and ask('GET', '/app.js', Origin=origin)[0] == 403, status)
for site in ('cross-site', 'same-site'):
    status = ask('POST', '/api/session', b'{}', Sec_Fetch_Site=site)[0]
    case('Sec-Fetch-Site %s' % site, status == 403 and ask('GET', '/app.js', Sec_Fetch_Site=site)[0] == 403, status)
case('a frame elsewhere', ask('GET', '/', Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='navigate', Sec_Fetch_Dest='iframe')[0] == 403)
case('a script elsewhere', ask('GET', '/app.js', Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='no-cors', Sec_Fetch_Dest='script')[0] == 403)
for kind in ('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', None):
    status = ask('POST', '/api/session', json.dumps({'key': key}).encode(), Content_Type=kind)[0]
    case('what a form can send: %s' % kind, status == 415, status)
status, headers, data = ask('GET', '/', **{'X-Of-A-Browser-%d' % n: 'x' * 200 for n in range(20)})
case('as many header lines as browsers send', status == 200 and len(data) > 100, status)
case('a preflight is not answered', ask('OPTIONS', '/api/call', Origin='http://evil.example')[0] in (400, 403, 405, 501))
for path in ('/api/call', '/api/upload', '/api/lock', '/api/unlock', '/api/end', '/api/present', '/api/resume', '/api/cancel'):
    status, said = post(path, {'command': 'status'})
    case('%s without a token' % path, status == 401 and said['code'] == 'session', (status, said))
for path in ('/api/events', '/api/download/00112233445566778899aabbccddeeff'):
    case('%s without a token' % path, ask('GET', path)[0] == 401)
case('a token that was made up', post('/api/call', {'command': 'status'}, Authorization='Bearer ' + '0' * 64)[0] == 401)
case('the key is no token', post('/api/call', {'command': 'status'}, Authorization='Bearer ' + key)[0] == 401)
case('a key that was made up', post('/api/session', {'key': '0' * 32})[0] == 403)
for path in ('/../etc/passwd', '/%2e%2e/etc/passwd', '/store.db', '/console/app.js', '//'):
    case('no file but the pages: %s' % path, ask('GET', path)[0] in (400, 404))
case('a body of more than it takes', ask('POST', '/api/session', b'x' * (1 << 20) + b'x')[0] == 413)
case('a body that is no JSON', post('/api/session', None)[0] in (400, 403) and ask('POST', '/api/session', b'{"key":')[0] == 400)

# ---- a session
status, said = post('/api/session', {'key': key})
token = said.get('token', '') if status == 200 else ''
case('the key opens a session', status == 200 and re.fullmatch('[0-9a-f]{64}', token), (status, said))
case('and no second one', post('/api/session', {'key': key})[0] == 403)


def call(command, operands=(), options=None, **more):
    return post('/api/call', dict(command=command, operands=list(operands), options=options or {}, **more),
                Authorization='Bearer ' + token)


status, said = call('status')
case('a call', status == 200 and said['status'] == 0 and said['result']['format'] == 1, (status, said))
case('with another origin it is refused, token or not',
     post('/api/call', {'command': 'status'}, Authorization='Bearer ' + token, Origin='http://evil.example')[0] == 403)
for command in ('init', 'agent', 'unlock', 'restore', 'archive extract', 'witness run', 'root new', 'console', 'nonsense', ''):
    status, said = call(command)
    case('no page may call "%s"' % command, status == 400 and 'error' in said, (status, said))
for options in ({'home': '/tmp/x'}, {'relay': 'http://evil.example'}, {'passphrase-file': '/etc/passwd'}, {'json': True}, {'nonsense': True}):
    status, said = call('status', options=options)
    case('no page may say %s' % list(options)[0], status == 400 and said['code'] == 'usage', (status, said))
status, said = call('send', ['plenary'], {'file': '/etc/passwd'})
case('a path of this machine is no file of a page', status == 400 and said['code'] == 'usage', (status, said))
status, said = call('register checkpoint', [], {'out': '/tmp/x'})
case('and none is written', status == 400 and said['code'] == 'usage', (status, said))
case('nor is standard input read', call('send', ['plenary', '-'])[0] == 400)

# ---- talk, records, passphrase
status, said = call('send', ['plenary', 'from the console'])
case('something is said', status == 200 and len(said['result']['id']) == 32, (status, said))
fields = {'set': ['mode=call', 'initiated_by=both', 'parties=north;south', 'started_at=2026-11-20T10:00:00Z',
                  'ended_at=2026-11-20T10:30:00Z', 'time_precision=exact', 'level=envoy', 'participants=two envoys', 'subjects=x']}
status, said = call('record', ['contact', 'plenary'], fields)
case('a record without a yes is not made', status == 403 and said['code'] == 'refused', (status, said))
case('and it is said what will be provable, to whom', any('The members of this channel can read all of it' in n for n in said['notes']) and
     any('By the default disclosure' in n for n in said['notes']), said)
status, said = call('record', ['contact', 'plenary'], dict(fields, yes=True))
case('with a yes it is', status == 200 and len(said['result']['commitment']) == 64, (status, said))
case('and it is said again', any('RECORD, not talk' in n for n in said['notes']), said)
record = said['result']['commitment'][:12]
for command, operands in (('open', [record]), ('admit approve', ['00']), ('remove', ['plenary', 'x']), ('keep destroy', []),
                          ('consent', [record]), ('leave', ['plenary'])):
    status, said = call(command, operands)
    case('"%s" asks the passphrase again' % command, status == 403 and said['code'] == 'passphrase', (status, said))
status, said = call('keep destroy', passphrase='not this')
case('a wrong one', status == 403 and said['code'] == 'wrong-passphrase', (status, said))
status, said = call('keep destroy', passphrase=passphrase, options={'yes': True})
case('the right one', status == 200, (status, said))

# ---- drafts, files, news
case('a draft is kept', call('draft put', ['channel:1', 'not \u0441\u043a\u0430\u0437\u0430\u043d\u043e yet'])[0] == 200)
case('and found', call('draft list')[1]['result']['drafts'] == {'channel:1': 'not \u0441\u043a\u0430\u0437\u0430\u043d\u043e yet'})
bearer = {'Authorization': 'Bearer ' + token}
data = bytes(range(256)) * 8192        # 2 MiB
status, said = post('/api/upload', {'name': 'notes \u00fc.bin', 'size': len(data)}, **bearer)
upload = said.get('upload')
have = 0
for at in range(0, len(data), 1 << 20):
    status, _, got = ask('POST', '/api/upload/' + upload, data[at:at + (1 << 20)], Content_Type='application/octet-stream', **bearer)
    have = json.loads(got).get('have')
case('a file comes in pieces', have == len(data), have)
status, said = call('send', ['plenary'], {'file': {'upload': upload}})
case('and is sent under its name', status == 200, (status, said))
status, said = call('read', ['plenary'])
names = [m.get('name') for m in said['result'].get('messages', said['result'].get('talk', []))]
case('as it reads', 'notes \u00fc.bin' in json.dumps(said, ensure_ascii=False), names)
status, said = call('register checkpoint', [], {'out': {'download': 'checkpoint.txt'}})
case('a command writes a file', status == 200 and said['files'][0]['name'] == 'checkpoint.txt', (status, said))
got = said['files'][0]['download']
status, headers, data = ask('GET', '/api/download/' + got, **bearer)
case('which can be fetched', status == 200 and len(data) == said['files'][0]['size'] and data.startswith(b'register.detente/'), (status, data[:80]))
case('once', ask('GET', '/api/download/' + got, **bearer)[0] == 404)

status, _, data = ask('GET', '/api/events?after=0', **bearer)
at = json.loads(data)['at']
case('news', status == 200 and at > 0, data)
result = {}


def wait(after):
    result['news'] = json.loads(ask('GET', '/api/events?after=%d' % after, **bearer)[2])
    result['at'] = time.time()


# Other news may come meanwhile, but not each time.
reading = ('status', 'people', 'due', 'alarms', 'invitations', 'channels', 'records', 'admit list', 'line', 'contacts', 'register status')
grown = []
while len(grown) < 10 and 0 not in grown:
    first = json.loads(ask('GET', '/api/events?after=0', **bearer)[2])['at']
    for command in reading:
        call(command)
    at = json.loads(ask('GET', '/api/events?after=0', **bearer)[2])['at']
    grown.append(at - first)
case('what only reads is no news', 0 in grown, grown)
# What was sent above still comes back: a poll that waits for a second is one that has nothing to tell.
for attempt in range(40):
    waiter = threading.Thread(target=wait, args=(at,))
    waiter.start()
    waiter.join(1)
    if waiter.is_alive():
        break
    at = result['news']['at']
began = time.time()
subprocess.run(outside + ['send', 'plenary', 'from outside'], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
waiter.join()
case('what another program does in the home is news, soon', result['news']['at'] > at and result['at'] - began < 10,
     (result, began))
case('a call that is not there cannot be cancelled', post('/api/cancel', {'id': '00' * 16}, **bearer)[0] == 404)

# ---- long work: 10,000 records of one file, seen to go on, and stopped
rows = 'mode,initiated_by,parties,started_at,ended_at,time_precision,level,participants,subjects\n' + ''.join(
    'call,both,north;south,2026-11-20T10:00:00Z,2026-11-20T10:30:00Z,exact,envoy,two envoys,subject %d\n' % n for n in range(10000))
upload = many = post('/api/upload', {'name': 'many.csv', 'size': len(rows)}, **bearer)[1]['upload']
for start in range(0, len(rows), 1 << 20):
    ask('POST', '/api/upload/' + upload, rows[start:start + (1 << 20)].encode(), Content_Type='application/octet-stream', **bearer)
own = 'cd' * 16
long_call = {}


def run_long():
    long_call['said'] = call('record', ['contact', 'plenary'], {'from': {'upload': upload}, 'yes': True}, id=own)
    long_call['at'] = time.time()


before = len(call('records', ['plenary'])[1]['result']['records'])
worker = threading.Thread(target=run_long)
worker.start()
seen, deadline = [], time.time() + 60
while time.time() < deadline and worker.is_alive():
    news = json.loads(ask('GET', '/api/events?after=%d' % at, **bearer)[2])
    at = news['at']
    seen += [w for w in news['work'] if w['id'] == own and w['done'] > 0]
    if len(seen) > 1 and seen[-1]['done'] > seen[0]['done']:
        break
case('an import of 10,000 rows shows how far it is', len(seen) > 1 and seen[-1]['of'] == 10000 and seen[-1]['done'] > seen[0]['done'], seen)
began = time.time()
case('it can be cancelled', post('/api/cancel', {'id': own}, **bearer)[0] == 200)
worker.join()
status, said = long_call['said']
case('and ends soon, with nothing done', status == 409 and 'nothing was done' in said['error'] and long_call['at'] - began < 5, (status, said))
case('not one of its records is there', len(call('records', ['plenary'])[1]['result']['records']) == before)

# ---- a page that is loaded again
own = 'ab' * 16
case('a page leaves a key of its own', post('/api/resume', {'key': own}, **bearer)[0] == 200)
status, said = post('/api/session', {'key': own})
case('and has a session again', status == 200 and len(said['token']) == 64, (status, said))
second = said['token']
case('once', post('/api/session', {'key': own})[0] == 403)
case('a page ends its session', post('/api/end', {}, Authorization='Bearer ' + second)[0] == 200)
case('and has none', post('/api/call', {'command': 'status'}, Authorization='Bearer ' + second)[0] == 401)
case('the other goes on', call('status')[0] == 200)

# ---- locked
def session_of(key):
    got = post('/api/session', {'key': key})[1]
    return got['token'], {'Authorization': 'Bearer ' + got['token']}, got


def another():
    made = subprocess.run(outside + ['console', '--url'], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return session_of(made.strip().rpartition('=')[2])


def files_left():
    return [os.path.join(d, name) for d, _, names in os.walk(folder) for name in names]


folder = outside[2] + '/console'
third, locked, got = another()
case('a session says when it locks itself', got['locked'] is False and got['lock_after'] == 900, got)
case('and that somebody is at it is taken', post('/api/present', {}, **locked)[0] == 200)
upload = post('/api/upload', {'name': 'for a while', 'size': 6}, **locked)[1]['upload']
ask('POST', '/api/upload/' + upload, b'abcdef', Content_Type='application/octet-stream', **locked)
got = call('register checkpoint', [], {'out': {'download': 'checkpoint.txt'}})[1]['files'][0]['download']
case('files of pages are there', any(f.endswith('for a while') for f in files_left()), files_left())
there = files_left()
waiter = {}
first = json.loads(ask('GET', '/api/events?after=0', **locked)[2])['at']


def wait_locked():
    after = first
    while True:
        status, _, data = ask('GET', '/api/events?after=%d' % after, **locked)
        if status != 200:
            waiter['status'] = status
            waiter['at'] = time.time()
            return
        after = json.loads(data)['at']


worker = threading.Thread(target=wait_locked)
worker.start()
time.sleep(0.5)
began = time.time()
case('a page is locked', post('/api/lock', {}, **locked)[0] == 200)
worker.join()
case('and what waits for news hears it at once', waiter['status'] == 423 and waiter['at'] - began < 3, (waiter, began))
for path, value in (('/api/call', {'command': 'status'}), ('/api/upload', {'name': 'x', 'size': 1}), ('/api/cancel', {'id': upload}),
                    ('/api/present', {}), ('/api/nonsense', {})):
    status, said = post(path, value, **locked)
    case('locked: %s is refused' % path, status == 423 and said['code'] == 'session-locked', (status, said))
case('locked: no piece of a file', ask('POST', '/api/upload/' + upload, b'x', Content_Type='application/octet-stream', **locked)[0] == 423)
for path in ('/api/events?after=0', '/api/download/' + got):
    case('locked: %s' % path.split('?')[0][:14], ask('GET', path, **locked)[0] == 423)
case('another page of the home goes on, with its files', call('status')[0] == 200 and files_left() == there, (files_left(), there))
resumed = 'ef' * 16
case('to load it again', post('/api/resume', {'key': resumed}, **locked)[0] == 200)
fourth, again, got = session_of(resumed)
case('unlocks nothing', got['locked'] is True and post('/api/call', {'command': 'status'}, **again)[0] == 423, got)
status, said = post('/api/unlock', {'passphrase': 'not this'}, **again)
case('nor does a wrong passphrase', status == 403 and said['code'] == 'wrong-passphrase' and
     post('/api/call', {'command': 'status'}, **again)[0] == 423, (status, said))
for value in ({}, {'passphrase': ''}, {'passphrase': 7}, {'passphrase': passphrase, 'command': 'status'}, []):
    case('nor what is no passphrase: %s' % list(value), post('/api/unlock', value, **again)[0] == 400)
case('the right one unlocks it', post('/api/unlock', {'passphrase': passphrase}, **again)[0] == 200)
case('it alone', post('/api/call', {'command': 'status'}, **again)[0] == 200 and
     post('/api/call', {'command': 'status'}, **locked)[0] == 423)
# A call that runs goes on, and what comes of it is not for a page that was locked meanwhile.
slow = {}
worker = threading.Thread(target=lambda: slow.update(said=post('/api/call', {
    'command': 'template check', 'operands': [{'upload': many}], 'options': {'kind': 'contact'}}, **again)))
worker.start()
time.sleep(0.05)
post('/api/lock', {}, **again)
worker.join()
case('what a call brings after that is kept from it', slow['said'][0] == 423, slow)
post('/api/lock', {}, Authorization='Bearer ' + token)
case('with every page locked, no file of a page is left', files_left() == [], files_left())
case('a locked page can be ended', post('/api/end', {}, **again)[0] == 200 and post('/api/unlock', {'passphrase': passphrase}, **again)[0] == 401)
case('unlocked, the first one goes on', post('/api/unlock', {'passphrase': passphrase}, Authorization='Bearer ' + token)[0] == 200 and
     call('status')[0] == 200)
said = [call('keep destroy', passphrase='wrong')[1] for n in range(3)]
said += [post('/api/unlock', {'passphrase': 'wrong'}, **locked)[1] for n in range(2)]
case('after five wrong passphrases in a row', ['too often' in x['error'] for x in said] == [False] * 4 + [True], said)
case('of which the last says that it is over', [x['code'] for x in said] == ['wrong-passphrase'] * 4 + ['session'], said)
case('no session is left', call('status')[0] == 401 and post('/api/unlock', {'passphrase': passphrase}, **locked)[0] == 401)

# ---- what no answer may have
text = b'\n'.join(b'\n'.join(('%s: %s' % h).encode() for h in headers) + data for headers, data in answers)
case('no cookie, ever', b'et-cookie' not in text.lower())
case('no CORS header, ever', b'access-control' not in text.lower())
case('no passphrase in any answer', passphrase.encode() not in text and b'not this' not in text)
case('no key in any answer', key.encode() not in text and own.encode() not in text and resumed.encode() not in text)
print('%d passed, %d failed, 0 skipped' % (counts['ok'], counts['FAILED']))
