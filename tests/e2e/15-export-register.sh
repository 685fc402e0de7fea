#!/usr/bin/env bash
# Goal: registers as files, with what was opened beside them. What any web server then serves is what the relay serves, byte
# for byte, and checks out by a program that was written from the C2SP texts alone; wherever the export is killed, each checkpoint is served whole.
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/kills.sh"
need_shim
forum
plenary
verify=$top/tests/interop/verify_files.py
url="http://127.0.0.1:$PORT$register"
export_to() { # DIR OPTION...
    "${under[@]}" "$relay_program" export-register "$@" --store relay.db
}
cosign() { # PARTY...
    for p in "$@"; do
        need 'cosign' "$detente" witness run --once --key "$p.witness" --state "$p.state" --register "$url" --vkey "$vkey"
    done
}
more() {
    for what in "$@"; do entry us "$what"; done
    settle us ru med
}
# opened RECORD FILE: published with the consent of both
opened() {
    local fields=mode,parties,started_at,time_precision
    need 'countersign' as ru countersign "$1" --yes
    for p in us ru; do need 'consent' as $p consent "$1" --yes --fields $fields --audience public; done
    settle us ru med
    cosign north south
    settle us ru med
    need 'open' as us open "$1" --fields $fields --out "$2" --publish --yes
}
under=()
more one two
cosign north south
opened 1 one.proof
more three
check 'the export' export_to web
check_same 'an opening that was published is beside the register' one.proof \
    "web$register/openings/$(sha256sum <one.proof | cut -d' ' -f1).proof"
check 'is what its checkpoints say, and no more' python3 "$verify" web EXACT
python3 "$verify" web >sizes
check_line 'an attested checkpoint and a larger one that is held' 'checkpoint.held [1-9]' sizes
python3 -m http.server --bind 127.0.0.1 --directory web 0 >http.log 2>&1 &
http=$!
for ((i = 0; i < 50; i++)); do
    web_port=$(sed -nE 's/.* port ([0-9]+) .*/\1/p' http.log)
    [ -n "$web_port" ] && break
    sleep 0.1
done
different=
while read -r path; do
    curl -s "http://127.0.0.1:$PORT/$path" >from.relay
    curl -s "http://127.0.0.1:$web_port/$path" >from.web
    [ -s from.web ] && cmp -s from.relay from.web || different+=" $path"
done < <(cd web && find r -type f)
check "relay and web server give the same$different" [ -z "$different" ]
check 'a stranger checks the register at the web server' "$detente" register check --charter charter \
    --forum "$forum_id" --relay "http://127.0.0.1:$web_port"
kill $http

# Killed at every place of a run that has everything to do: new tiles, new checkpoints, an opening, old tiles to take away.
cp -a web before
cosign north south neutral
more four five
second=$("$detente" --home us records --json | python3 -c 'import json,sys; print([r["commitment"] for r in json.load(sys.stdin)["records"] if r["kind"] == "contact"][1])')
opened "$second" two.proof
shimmed detente-relay
check 'a counted export' export_to web
counted 'the export'
cp -a web after
bad=
for ((at = 1; at <= calls; at++)); do
    for how in before half; do
        rm -rf web && cp -a before web
        shimmed detente-relay $at $how
        export_to web >killed.out 2>&1
        [ $? = 137 ] || bad+=" $at/$how:not-killed"
        python3 "$verify" web >killed.sizes 2>killed.err || bad+=" $at/$how:$(tail -n 1 killed.err)"
        under=()
        export_to web >again.out 2>&1 && export_to web >>again.out 2>&1 && python3 "$verify" web EXACT >killed.sizes 2>&1 ||
            bad+=" $at/$how:again"
    done
done
check "killed at each of $calls calls, before it and in it$bad" [ -z "$bad" ]
scenario_end
