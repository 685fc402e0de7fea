#!/usr/bin/env bash
# Goal: a register that was made with a read key is read by who has the key, and by nobody else: agents have it from
# their grants, a witness and a stranger from a file.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
# shellcheck disable=SC2034 # for forum()
grant_options=(--read-key)
forum
plenary
entry us 'one'
settle us ru med
check 'agents read it' [ "$(size_at ru)" -ge 1 ]
url="http://127.0.0.1:$PORT$register"

echo 'no key' >notakey
witness() { # PARTY OPTION...
    local p=$1
    shift
    "$detente" witness run --once --key "$p.witness" --state "$p.state" --register "$url" --vkey "$vkey" "$@"
}
check_status 'a witness without the key sees nothing' 4 witness north
check_status 'a witness with something else sees nothing' 1 witness north --read-key notakey
check_line 'and is told what a key looks like' 'not a read key' err
for p in north neutral; do
    check "the witness of $p with the key cosigns" witness $p --read-key grants/read-key
done
settle us ru med
"$detente" --home us register status --json >status
check_line 'the entry is attested' '"attested": [1-9]' status

check_status 'a stranger without the key sees nothing' 4 \
    "$detente" register check --charter charter --forum "$forum_id" --relay "http://127.0.0.1:$PORT"
check 'a stranger with the key checks it' \
    "$detente" register check --charter charter --forum "$forum_id" --relay "http://127.0.0.1:$PORT" \
    --read-key grants/read-key
"$detente" charter show --policy charter >policy
check_status 'an observer without the key sees nothing' 4 "$detente" observe --policy policy --state seen.db "$url"
check_line 'and is told so' 'token or key' err
check_status 'nor with something else' 1 "$detente" observe --policy policy --state seen.db --read-key notakey "$url"
check_status 'an observer with the key counts' 0 "$detente" observe --policy policy --state seen.db --read-key grants/read-key "$url"
check_line 'what there is' '^  1 entries, not contacts; 1 attested' out
check 'the key is not in what it keeps' bash -c "! grep -qF $(cat grants/read-key) seen.db"
for path in checkpoint.held checkpoint tile/entries/000.p/1 tile/0/000.p/1; do
    check "without a key $path is 401" \
        [ "$(curl -s -o body -D head -w '%{http_code}' "$url/$path")" = 401 ]
    check "and no page may read it" bash -c '! grep -qi access-control head'
done
key=$(cat grants/read-key)
check 'with it, it comes' \
    [ "$(curl -s -o body -D head -w '%{http_code}' -H "Authorization: Bearer $key" "$url/checkpoint")" = 200 ]
check 'which no cache keeps, and no page reads' \
    bash -c 'grep -qi "^cache-control: no-store" head && ! grep -qi access-control head'
check 'the key is in no file of the relay' bash -c "! grep -qF $key relay.db relay.db-wal"
scenario_end
