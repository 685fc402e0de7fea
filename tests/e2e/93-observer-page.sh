#!/usr/bin/env bash
# Goal: someone with nothing but a browser checks what was opened, and the register: from a saved file, from the relay, and from
# a static site. The page's verifier says of every proof what `detente verify` says, word for word, and refuses what it
# refuses; the shared vectors end the same in it, under node and in Chromium; and it asks no other host for anything.
# builds: build-clang build-gcc build
# seconds: 400
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
shared=${DETENTE_SHARED:-$top/../shared}
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null; then
    skip 'node (18 or newer) is not here: the verifier of the web pages was not run'
    scenario_end
fi
page_verify() {
    node --no-warnings "$top/web/test/verify.mjs" "$@"
}

# ---- vectors: beside what follows, for most of their time is waiting ----
vectors=
if [ -d "$shared/vectors/tlog" ]; then
    vectors=$shared/vectors/tlog
    node --no-warnings "$top/web/test/vectors.mjs" "$vectors" >vectors.out 2>&1 &
    runner=$!
fi
check 'it knows the templates that the programs know' diff <(sed -nE "s/^  ([a-z_]+): '([0-9a-f]{64})',/\1 \2/p" "$top/web/verify/known.js") \
    <(sed -nE 's/^ *\{"([a-z_]+)", "([0-9a-f]{64})"\},.*/\1 \2/p' "$top/tests/record/template_hashes.inc")

# ---- a forum with proofs of all kinds ----
forum
plenary
url="http://127.0.0.1:$PORT$register"
entry us one
entry us two
entry us three
round
need 'countersign' as ru countersign 1 --yes
need 'dispute' as ru dispute 2 --should-be level=official --set 'text=It was no envoy.' --yes
settle us ru med
for n in 1 2; do
    for p in us ru; do need 'consent' as $p consent $n --yes --fields mode,parties,started_at,time_precision,level --audience public; done
done
round
need 'open' as us open 1 --fields mode,parties,started_at,time_precision --out one.proof --names --publish --yes
need 'open' as us open 2 --fields mode,level,started_at --out two.proof
need 'open' as us open 2 --all --out whole.proof --without-consent
need 'open' as us open 3 --fields mode,started_at --out alone.proof --without-consent
tested=
for n in 1 2; do
    need 'line test' as us record heartbeat plenary --yes --quiet --set station=Quay --set number=$n --set status=normal
    tested="$tested $(cat need.out)"
done
need 'withdraw' as us withdraw 1 --set 'reason=A mistake in the date.' --yes
round
need 'open' as us open 1 --fields mode,parties,started_at,time_precision --out withdrawn.proof --publish --yes
for id in $tested; do need 'open' as us open "$id" --fields station,number,status --out test.proof --publish --without-consent --yes; done
words=$("$detente" root words north.root.pub)

# same WHAT PROOF OPTION...: both say the same in the same words, but for the time of checking
same() {
    local what=$1 proof=$2 a b
    shift 2
    "$detente" verify "$proof" --json "$@" >c.json 2>err
    a=$?
    page_verify "$@" "$proof" >page.json 2>>err
    b=$?
    if [ $a = $b ] && python3 - c.json page.json >differ 2>&1 <<'PY'
import json, re, sys
c, page = (json.load(open(x)) for x in sys.argv[1:])
now = re.compile(r'[0-9T:.-]{19,23}Z(?=, when this was checked|$)', re.M)
for key in sorted(set(c) | set(page)):
    one, other = (now.sub('NOW', x.get(key)) if isinstance(x.get(key), str) else x.get(key) for x in (c, page))
    if key != 'reason' and one != other:
        sys.exit('%s: %r and %r' % (key, one, other))
PY
    then
        pass "both say the same: $what"
    else
        fail "$what: exit status $a and $b"
        cat differ err
    fi
}
for f in one two whole alone withdrawn; do
    same "$f, under the forum id" $f.proof --forum "$forum_id"
    same "$f, with nothing from elsewhere" $f.proof
    same "$f, under one root" $f.proof --root-words "$words"
    same "$f, under another forum id" $f.proof --forum "${forum_id//[0-7]/8}"
done
check_line 'the last of these was refused' '"verdict":"refused"' page.json

# ---- altered ----
bit() { # THOUSANDTHS: one bit of the structure turned
    PYTHONDONTWRITEBYTECODE=1 python3 "$top/tests/interop/verify_proof.py" --alter "$1" one.proof
}
mkdir altered
for ((n = 3; n < 1000; n += 31)); do bit bit:$n >altered/$n.proof; done
bit trailing >altered/trailing.proof
bit version >altered/version.proof
sed 's/$/\r/' one.proof >altered/crlf.proof
head -c -1 one.proof >altered/cut.proof
{ cat one.proof; echo; } >altered/more.proof
page_verify --forum "$forum_id" altered/*.proof >page.json
for f in altered/*.proof; do "$detente" verify --json --forum "$forum_id" "$f" | tr -d '\n'; echo; done >c.json
n=$(ls altered | wc -l)
check_status "all $n altered ones are refused by both" 0 python3 - c.json page.json "$n" <<'PY'
import json, sys
both = [[json.loads(line)['verdict'] for line in open(x)] for x in sys.argv[1:3]]
sys.exit(both != [['refused'] * int(sys.argv[3])] * 2)
PY

if [ -n "$vectors" ]; then
    wait "$runner"
    read -r ok _ bad _ <<<"$(tail -n 1 vectors.out)"
    if [ "${bad%%,*}" = 0 ] && [ "${ok:-0}" -gt 1000 ]; then
        pass "the shared vectors end as they do in C, $ok cases under node"
    else
        fail 'the shared vectors under node'
        grep -v ' ok ' vectors.out | head -n 30
    fi
else
    skip 'the shared vectors are not beside the tree'
fi

# ---- in a browser ----
browser=$(command -v chromium || command -v chromium-browser)
modules=$(PYTHONDONTWRITEBYTECODE=1 python3 - "$top" <<'PY'
import sys
sys.path.insert(0, sys.argv[1] + '/tools')
from npm import modules
print(modules(sys.argv[1] + '/web', 'web', 'playwright-core')[0] or '')
PY
)
check_status 'the relay serves the page' 0 curl -sS -D head -o page.html "http://127.0.0.1:$PORT/"
check_same 'as it was built' page.html "$DT_BIN/web/observer.html"
check_line 'nobody may frame it' "^Content-Security-Policy: frame-ancestors 'none'" head
check_status 'a static site' 0 "$detente" observe --charter charter --forum "$forum_id" --html site "$url"
check_status 'is a register to others' 0 "$detente" observe --charter charter --forum "$forum_id" --json site
check_same 'of which all files are those of the register' <(curl -s "$url/tile/entries/000.p/$(size_at us)") "site$register/tile/entries/000.p/$(size_at us)"
check 'and nothing in it is missing or too much' python3 "$top/tests/interop/verify_files.py" site
before=$(find site -type f -printf '%p %T@\n' | grep -v index.html | sort)
check_status 'written again' 0 "$detente" observe --charter charter --forum "$forum_id" --html site "$url"
[ "$(find site -type f -printf '%p %T@\n' | grep -vE 'index.html|/charter' | sort)" = "$(grep -v /charter <<<"$before")" ] &&
    pass 'what is there and the same is left alone' || fail 'files of the site were written again'
if [ -z "$browser" ] || [ -z "$modules" ]; then
    skip "the page in a browser: ${browser:+playwright-core}${browser:-chromium} is not here"
    scenario_end
fi
"$detente" observe --charter charter --forum "$forum_id" --json "$url" >observed.json 2>err || fail 'observe'
cp -r site bent
printf x | dd of="bent$register/tile/entries/000.p/$(size_at us)" bs=1 seek=40 conv=notrunc status=none
cat >claims.csv <<'CSV'
claim_id,contact_key,kind,date_from,date_to,date_precision,duration_min,party_a,party_b,count,asserted_by,stance,source_document,note
c1,a,call,2026-11-01,2026-11-30,month,,north,south,1,press office,announced,x,"a ""quoted"" note"
c2,a,call,2026-11-01,2026-11-30,month,,north,south,0,south,denied,x,
c3,b,call,2026-01-01,2026-12-31,year,,north,south,7,press office,announced,x,
c5,a,call,2025-01-01,2025-12-31,year,,north,south,1,another paper,reported,x,
c4,c,meeting,,,unknown,,north,south,,nobody,neither,x,
CSV
"$detente" claims check claims.csv --proof withdrawn.proof --proof two.proof --proof one.proof --forum "$forum_id" >claims.out 2>err
# Two faces: the register goes on from one copy of its store, and then from the other.
mkdir faces
stop_daemon relay
for f in relay.db*; do cp "$f" "faces/$f"; done
start_relay
# shellcheck disable=SC2016 # for the shell that runs it
printf '%s\n' '. "$DT_TOP/tests/e2e/lib.sh"' '. "$top/tests/e2e/forum.sh"' 'trap - EXIT' "PORT=$PORT register=$register vkey='$vkey'" \
    'entry us more' 'need sync as us sync' 'cosign' >grow.sh
cat >run.sh <<'SH'
export DT_TOP=$1
cd "$2" && bash grow.sh
SH
page_json() { # of the proofs: what detente verify says
    local f
    for f in one two whole alone withdrawn; do
        "$detente" verify --json --forum "$forum_id" $f.proof >"$f.json"
    done
    python3 - "$@" <<'PY'
import glob, json, os, sys
here, top, modules, chromium, binaries, relay, register, forum, words, key, vectors, shots, *keyed = sys.argv[1:]
at = lambda name: os.path.join(here, name)
proofs = {}
for name in ('one', 'two', 'whole', 'alone', 'withdrawn'):
    said = json.load(open(at(name + '.json')))
    proofs[name] = {'file': at(name + '.proof'), 'verdict': said['verdict'], 'findings': said['findings']}
print(json.dumps({
    'modules': modules, 'chromium': chromium, 'page': at('page.html'), 'relay': relay, 'register': register, 'site': at('site'),
    'bent': at('bent'), 'fork': [at('face-a'), at('face-b'), at('face-c')], 'words': words, 'forum': forum, 'key': key, 'proofs': proofs,
    'altered': sorted(glob.glob(at('altered/*.proof'))), 'detente': os.path.join(binaries, 'detente'),
    'claims': {'file': at('claims.csv'), 'proofs': [at(n + '.proof') for n in ('withdrawn', 'two', 'one')],
               'lines': open(at('claims.out')).read()},
    'observed': json.load(open(at('observed.json'))), 'host': 'relay.example',
    'grow': 'bash %s %s %s' % (at('run.sh'), top, here), 'vectors': vectors or None, 'shots': shots or None,
    'keyed': dict(zip(('relay', 'register', 'readKey', 'key'), keyed))}))
PY
}
export DT_BIN
other=$(free_port)
start_daemon other "$relay_program" serve --store faces/relay.db --listen "127.0.0.1:$other"
wait_port "$other" || fail 'set-up: the other face does not start'
append_key=$(sed -nE 's|.*"append_key": *"([0-9a-f]{64})".*|\1|p' grants/south.grant | head -n 1)
append() { # PORT BYTE: an entry of its own at the relay there
    python3 -c "import sys; sys.stdout.buffer.write(b'\1' + bytes([$2]) * 32)" |
        curl -sf -H "Authorization: Bearer $append_key" -H 'Content-Type: application/octet-stream' --data-binary @- "http://127.0.0.1:$1$register/append" -o append.out
}
check 'an entry at one face' append "$other" 7
need 'face' "$detente" observe --charter charter --html face-b "http://127.0.0.1:$other$register"
check 'and one more' append "$other" 9
need 'face' "$detente" observe --charter charter --html face-c "http://127.0.0.1:$other$register"
stop_daemon other
check 'another at the other' append "$PORT" 8
need 'face' "$detente" observe --charter charter --html face-a "$url"
"$detente" observe --charter charter --forum "$forum_id" --json "$url" >observed.json 2>err
rm -rf site && need 'site' "$detente" observe --charter charter --forum "$forum_id" --html site "$url"
# A register that is read with a key, at a relay of its own.
keyed=$(free_port)
witnesses=()
for p in north south neutral; do witnesses+=(--witness "$p=$("$detente" witness keygen --name "witness.example/$p-2" --out "$p-2.witness")"); done
need 'grant' "$relay_program" grant --store keyed.db --url "http://127.0.0.1:$keyed" --out keyed --read-key \
    --party north --party south --party neutral "${witnesses[@]}"
start_daemon keyed "$relay_program" serve --store keyed.db --listen "127.0.0.1:$keyed"
wait_port "$keyed" || fail 'set-up: the relay of the keyed register does not start'
of_grant() { # NAME: what the grant says
    sed -nE "s|.*\"$1\": *\"([^\"]+)\".*|\1|p" keyed/north.grant | sed 's|\\/|/|g' | head -n 1
}
keyed_register=$(of_grant prefix) && keyed_register=${keyed_register%/}
append_key=$(of_grant append_key) register=$keyed_register check 'an entry of the keyed register' append "$keyed" 7
page_json "$DT_WORK" "$top" "$modules" "$browser" "$DT_BIN" "http://127.0.0.1:$PORT" "$register" "$forum_id" "$words" "$vkey" "$vectors" \
    "${DT_SHOTS:-}" "http://127.0.0.1:$keyed" "$keyed_register" "$(cat keyed/read-key)" "$(of_grant vkey)" >config.json
node --no-warnings "$top/web/test/observer.mjs" config.json >browser.out 2>&1
grep '^    ' browser.out
while read -r kind what; do
    case $kind in
    ok:) pass "in the browser: $what" ;;
    FAILED:) fail "in the browser: $what" ;;
    esac
done <browser.out
[ "$(grep -c '^ok:' browser.out)" -ge 20 ] && pass 'the browser was there to the end' || fail "the browser: $(tail -n 3 browser.out)"
scenario_end
