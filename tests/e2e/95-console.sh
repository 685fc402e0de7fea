#!/usr/bin/env bash
# Goal: detente console listens on loopback alone and gives nothing to anybody but the page that was opened with its
# one-time key; that page can do what the commands do, and no more; what cannot be taken back asks the passphrase; drafts
# outlive the console, its files do not; other programs of the same user get an address, and others' do not.
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

# console_up: starts the console of us, and waits for its address in ${address}
console_up() {
    local i
    rm -f console.out
    "$detente" --home us console "$@" >console.out 2>>console.err </dev/null &
    console=$!
    for ((i = 0; i < 200; i++)); do
        address=$(head -n 1 console.out 2>/dev/null)
        [ -z "$address" ] || return 0
        kill -0 $console 2>/dev/null || break
        sleep 0.1
    done
    fail "the console did not start: $(cat console.err)"
    return 1
}
trap 'kill $console 2>/dev/null; stop_daemons' EXIT

if ! console_up; then
    scenario_end
fi
port=$(sed -E 's|.*:([0-9]+)/.*|\1|' <<<"$address")
hex=$(printf '%04X' "$port")
check_line 'it listens on 127.0.0.1' "0100007F:$hex 00000000:0000 0A" /proc/net/tcp
check_no_line 'and on no other address' "(00000000|0200007F):$hex 00000000:0000 0A" /proc/net/tcp
check_no_line 'of IPv6 neither' ":$hex 0+:0000 0A" /proc/net/tcp6

python3 "$top/tests/e2e/console_http.py" "$address" "$DETENTE_PASSPHRASE_FILE" "$detente" --home us >http.out 2>&1
last=$(tail -n 1 http.out)
if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ 0\ skipped$ ]]; then
    case_passed=$((case_passed + BASH_REMATCH[1]))
    case_failed=$((case_failed + BASH_REMATCH[2]))
    grep -v '^ok' http.out | head -n 20
else
    fail "the requests ended with: $last"
    tail -n 20 http.out
fi

# What it said and did reaches the others without any other agent of ours.
settle ru
check_status 'another side reads it' 0 "$detente" --home ru read plenary
check_line 'what was said in the console' 'from the console' "$DT_WORK/out"
check_line 'and from outside' 'from outside' "$DT_WORK/out"
check_line 'and the file' 'notes ü.bin' "$DT_WORK/out"
check_status 'and the record' 0 "$detente" --home ru records plenary
check_line 'a contact' 'contact' "$DT_WORK/out"

# Addresses.
check_status 'a second console of the home is refused' 1 "$detente" --home us console
check_line 'and told how to get an address' 'console --url' "$DT_WORK/err"
check_status 'another program of the user gets one' 0 "$detente" --home us console --url
check_line 'of the same console' "^http://127.0.0.1:$port/#k=[0-9a-f]{32}$" "$DT_WORK/out"
second=$(cat "$DT_WORK/out")
[ "$second" != "$address" ] && pass 'with another key' || fail "the same key twice: $second"
mkdir -p fake
# The desktop's program, as far as it goes: what it is given, and who can read that.
cat >fake/xdg-open <<'SH'
#!/bin/sh
echo "$#" >opened.args
stat -c %a "$1" >opened.mode
cp "$1" opened.html
SH
chmod +x fake/xdg-open
check_status 'on a desktop the browser is opened' 0 env DISPLAY=:9 PATH="$DT_WORK/fake:$PATH" "$detente" --home us console --url --browser
third=$(cat "$DT_WORK/out")
check_line 'by a file with the address' "url=$third\"" opened.html
check_line 'which only this user can read' '^600$' opened.mode
check_line 'and no other argument' '^1$' opened.args
check 'it is gone afterwards' [ ! -e us/console-open.html ]
check_status 'without a desktop it is said' 0 env -u DISPLAY -u WAYLAND_DISPLAY "$detente" --home us console --url --browser
check_line 'what to do' 'open the address yourself' "$DT_WORK/err"
check_status 'where none runs, it says so' 1 "$detente" --home ru console --url
check_line 'and what to do' 'start one' "$DT_WORK/err"
check 'the socket is the user'"'"'s alone' [ "$(stat -c %a us/console.sock)" = 600 ]
for secret in "${address##*=}" "${second##*=}" "${third##*=}"; do
    check_no_line 'no key in what it logs' "$secret" console.err
done
kill $console
wait $console
rc=$?
[ $rc = 0 ] && pass 'it ends in order' || fail "the console ended with status $rc: $(tail -n 5 console.err)"
check_no_line 'nothing went wrong inside' 'Sanitizer|runtime error' console.err
[ ! -e us/console.sock ] && [ ! -e us/console ] && pass 'and leaves no file' || fail "left: $(ls -R us)"

# Killed, with a file of a page in it.
console_up --ipv6 || scenario_end
check_line 'on ::1, if asked' '^http://\[::1\]:[0-9]+/#k=' console.out
key=${address##*=} base=${address%%/#*}
python3 - "$base" "$key" >left.out 2>&1 <<'PY'
import json, sys, urllib.request
base, key = sys.argv[1:]
def post(path, value, **h):
    r = urllib.request.Request(base + path, json.dumps(value).encode(), {'Content-Type': 'application/json', **h})
    return json.load(urllib.request.urlopen(r))
token = post('/api/session', {'key': key})['token']
auth = {'Authorization': 'Bearer ' + token}
print(post('/api/call', {'command': 'draft list'}, **auth)['result']['drafts'])
post('/api/upload', {'name': 'left', 'size': 9}, **auth)
PY
check_line 'a draft outlives the console' "'channel:1': 'not сказано yet'" left.out
kill -KILL $console
wait $console 2>/dev/null
[ -n "$(find us/console -name left)" ] && pass 'a kill leaves what a page had sent' || fail 'the file was not there'
console_up || scenario_end
[ -z "$(find us/console -name left)" ] && pass 'the next one removes it' || fail 'the file is still there'
kill $console
wait $console

# The same where the login session has a folder for what passes.
mkdir -m 700 runtime
for n in 1 2; do
    XDG_RUNTIME_DIR=$DT_WORK/runtime console_up || scenario_end
    if [ $n = 1 ]; then
        [ "$(ls runtime | wc -l)" = 1 ] && [ ! -e us/console ] && pass 'files of pages lie in the session'"'"'s folder' || fail "$(ls -R runtime us)"
        made=$(echo runtime/*)/00112233445566778899aabbccddeeff
        mkdir "$made"
        echo secret >"$made/left"
        kill -KILL $console
        wait $console 2>/dev/null
        check 'a kill leaves it there, too' [ -f "$made/left" ]
    fi
done
[ -z "$(find runtime -name left)" ] && pass 'and what a kill left there is removed by the next one' || fail "$(ls -R runtime)"
kill $console
wait $console
[ -z "$(ls runtime)" ] && pass 'at its end nothing is there' || fail "$(ls -R runtime)"

# Locked while it runs.
if "$detente" --home us unlock --for 1m >/dev/null 2>&1; then
    env -u DETENTE_PASSPHRASE_FILE "$detente" --home us console >console.out 2>locked.err </dev/null &
    console=$!
    for ((i = 0; i < 100; i++)); do [ ! -s console.out ] || break; sleep 0.1; done
    check_status 'the home is locked' 0 "$detente" --home us lock
    wait $console
    rc=$?
    [ $rc = 4 ] && pass 'and its console ends' || fail "the console ended with status $rc"
else
    skip 'no keyring here'
fi
check_status 'no address but of loopback' 2 "$detente" --home us console --port 70000
stores_whole us ru med
scenario_end
