#!/usr/bin/env bash
# Goal: a second reader gets the whole store of one member, with its passphrase, after the session keys were released. Of records
# it is convinced by a verifier that knows the forum id alone, and by no altered copy of them; of talk it gets two stores, one
# with what was said and one with what another member made up, and nothing that any program says of them tells which is which.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/ahead.sh"
day=86400

forum
plenary
need 'talk' as ru send plenary 'we shall open the road'
entry us 'the road'
settle ru us med
need 'countersign' as ru countersign 1 --yes
for who in us ru; do need 'consent' as $who consent 1 --yes --all; done
round
need 'what a cheat keeps' forge keep med plenary kept
cp -r us first # the one store, and in the end the other
need 'talk' as ru send plenary 'we shall meet on Monday'
settle ru us med
cp -r us second

# ---- four days on, the keys of that day are released ----
for days in 1 1 1 1 1 1; do
    now=$((now + days * day + 3700))
    meet us med ru
done
at "$detente" --home us status --json >status.json
python3 -c 'import json, sys
ch = [c for c in json.load(open("status.json"))["channels"] if c["name"] == "plenary"][0]
sys.exit(ch["released"] < 3)' && pass 'the keys of that day are released' || fail 'the keys of that day are not released'
then=$now
now=0 # who makes it up has the clock in hand, too
check 'a member makes up what another said' forge forge med plenary kept 'Boris South' cell 'we shall meet on Friday'
check 'a store of that day takes it' forge show first plenary cell.1
now=$then

# ---- what the reader sees of talk ----
for home in first second; do
    at "$detente" --home $home read plenary --json >$home.json
    at "$detente" --home $home alarms --json >$home.alarms
    check "the talk of the $home store goes into an archive" at "$detente" --home $home archive export plenary $home.archive --json
    check_status 'which verifies' 0 at "$detente" --home nowhere archive verify $home.archive
    sed -E 's/[0-9a-f]{64}/HASH/g; s/[0-9-]+T[0-9:.]+Z/TIME/g' out >$home.verified
done
check_same 'no alarm in one that is not in the other' first.alarms second.alarms
check_same 'what is said of one archive is said of the other' first.verified second.verified
python3 - >out 2>&1 <<'PY' && pass 'and of the two messages nothing differs but words, time and id' || { fail 'they can be told apart'; cat out; }
import json
from datetime import datetime
def last(name):
    talk = json.load(open(name + '.json'))['talk']
    return len(talk), talk[-1]
(n, a), (m, b) = last('first'), last('second')
assert a['text'] == 'we shall meet on Friday' and b['text'] == 'we shall meet on Monday', (a['text'], b['text'])
assert n == m == 2
assert a['from'] == b['from'] and a['from']['name'] == 'Boris South'
own = {'text', 'id', 'sent'}
assert sorted(a) == sorted(b)
for k in sorted(a):
    if k not in own:
        assert a[k] == b[k], (k, a[k], b[k])
assert len(a['id']) == len(b['id'])
hour = [datetime.fromisoformat(x['sent'].rstrip('Z')) for x in (a, b)]
assert abs((hour[0] - hour[1]).total_seconds()) < 3600, hour
PY

# ---- and of records ----
check_status 'a record of that store is opened' 0 as second open 1 --all --out one.proof
check_status 'a verifier that knows the forum id alone accepts it' 0 "$detente" verify one.proof --forum "$forum_id" --json
check_line 'whole' '"verdict": "verified"' out
cp out accepted
python3 - "$detente" "$forum_id" >out 2>&1 <<'PY' && pass "of 150 altered copies none is accepted as anything else: $(tail -n 1 out)" ||
import subprocess, sys
detente, forum = sys.argv[1:3]
proof, accepted = open('one.proof', 'rb').read(), open('accepted', 'rb').read()
same = 0
for i in range(150):
    at = (2 * i + 1) * len(proof) // 300
    open('altered.proof', 'wb').write(proof[:at] + bytes([proof[at] ^ (1 << i % 7)]) + proof[at + 1:])
    p = subprocess.run([detente, 'verify', 'altered.proof', '--forum', forum, '--json'], capture_output=True)
    assert p.returncode in (0, 1), (i, at, p.returncode, p.stderr)
    if p.returncode == 0: # a byte that says nothing
        assert p.stdout.replace(b'altered.proof', b'one.proof') == accepted, (i, at, p.stdout)
        same += 1
print('%d refused, %d say the same' % (150 - same, same))
assert same < 15
PY
    { fail 'an altered proof is accepted'; tail -n 5 out; }
stores_whole us ru med
scenario_end
