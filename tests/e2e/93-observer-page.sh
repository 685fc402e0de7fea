#!/usr/bin/env bash
# Goal: the verifier of the web pages says of every proof what `detente verify` says, word for word, and refuses what it
# refuses; and the shared vectors of transparency logs end the same in it, the edge cases of Ed25519 included.
# builds: build-clang build-gcc build
# seconds: 300
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

# ---- vectors ----
if [ -d "$shared/vectors/tlog" ]; then
    node --no-warnings "$top/web/test/vectors.mjs" "$shared/vectors/tlog" >vectors.out 2>&1
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
check 'it knows the templates that the programs know' diff <(sed -nE "s/^  ([a-z_]+): '([0-9a-f]{64})',/\1 \2/p" "$top/web/verify/known.js") \
    <(sed -nE 's/^ *\{"([a-z_]+)", "([0-9a-f]{64})"\},.*/\1 \2/p' "$top/tests/record/template_hashes.inc")

# ---- a forum with proofs of all kinds ----
forum
plenary
url="http://127.0.0.1:$PORT$register"
entry us one
entry us two
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
need 'withdraw' as us withdraw 1 --set 'reason=A mistake in the date.' --yes
round
need 'open' as us open 1 --fields mode,parties,started_at,time_precision --out withdrawn.proof --publish --yes
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
for f in one two whole withdrawn; do
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
scenario_end
