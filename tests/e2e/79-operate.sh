#!/usr/bin/env bash
# Goal: a relay's administrator does with every command what it is for, while the relay serves and after it was
# lost; JSON parses and says its format, and each exit status is the documented one.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
umask 077
r=$relay_program

# json WHAT STATUS EXPRESSION COMMAND...: the JSON d on standard output is of format 1, and the expression is true
json() {
    local what=$1 status=$2 expression=$3
    shift 3
    check_status "$what" "$status" "$@" --json || return 0
    python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); sys.exit(not (d["format"] == 1 and eval(sys.argv[2])))' \
        out "$expression" && pass "$what: JSON" || { fail "$what: not $expression"; cat out; }
}

PORT=$(free_port)
METRICS=$(free_port)
witnesses=()
for p in north south; do
    witnesses+=(--witness "$p=$("$detente" witness keygen --name "witness.example/$p" --out "$p.witness")")
done
json 'grant' 0 'd["format"]' "$r" grant --store relay.db --url "http://127.0.0.1:$PORT" --out grants --party north \
    --party south "${witnesses[@]}"
check_status 'grants are never replaced' 4 "$r" grant --store relay.db --url "http://127.0.0.1:$PORT" --out grants \
    --party north --party south "${witnesses[@]}"
register=$(sed -nE 's|.*"prefix": *"/r/([0-9a-f]+)/?".*|\1|p' grants/north.grant)

printf 'store = relay.db\nlisten = 127.0.0.1:%s\nmetrics = 127.0.0.1:%s\nlog-format = json\n' "$PORT" "$METRICS" >relay.conf
json 'a configuration that is right' 0 'd["ok"] and d["registers"] == 1' "$r" check-config --config relay.conf
printf 'store = nothing.db\nlisten = here\nwombat = 3\n' >broken.conf
json 'a broken one: all that is wrong is said' 1 'not d["ok"] and len(d["problems"]) >= 2' "$r" check-config --config broken.conf
check_status 'it is not served' 1 "$r" serve --config broken.conf
check_status 'no such command' 2 "$r" wombat

start_daemon relay "$r" serve --config relay.conf
wait_port "$PORT" || { fail 'the relay did not start'; cat "$run_dir/relay.log"; scenario_end; }
read -r pid _ <"$run_dir/relay.pid"
names=$(cat /proc/"$pid"/task/*/comm | tr '\n' ' ')
for name in http writer mover; do
    [[ " $names" == *" $name "* ]] && pass "a thread is named $name" || fail "threads are named $names"
done
json 'stats while serving' 0 'len(d["grants"]) == 1 and len(d["registers"]) == 1' "$r" stats --store relay.db
json 'limits' 0 'len(d["grants"]) == 1' "$r" limits --store relay.db
check_status 'limits changed' 0 "$r" limits --store relay.db --queues 7
json 'limits are as said' 0 'd["grants"][0]["limits"]["queues"] == 7' "$r" limits --store relay.db
json 'verify while serving' 0 'd["ok"] and d["faults"] == 0 and d["registers"] == 1' "$r" verify --store relay.db
json 'backup while serving' 0 'd["bytes"] > 0' "$r" backup --store relay.db copy.db
check_status 'no backup over a file' 4 "$r" backup --store relay.db copy.db
check 'metrics' curl -sSf -o metrics.txt "http://127.0.0.1:$METRICS/metrics"
check_line 'metrics have requests' '^detente_relay_' metrics.txt
[ "$(tail -n 1 metrics.txt)" = '# EOF' ] && pass 'metrics are whole' || fail 'metrics have no end'
check 'a checkpoint' curl -sSf -o held "http://127.0.0.1:$PORT/r/$register/checkpoint.held"
check_status 'no restore over a store' 4 "$r" restore --store relay.db copy.db
stop_daemon relay
python3 -c 'import json,sys; [json.loads(l) for l in open(sys.argv[1])]' "$run_dir/relay.log" && pass 'the log is JSON' ||
    fail 'the log is no JSON'

json 'migrate into another file' 0 'd["ok"] and d["registers"] == 1' "$r" migrate --from relay.db --to moved.db
json 'what was migrated is whole' 0 'd["ok"]' "$r" verify --store moved.db
rm -f relay.db relay.db-*
json 'restore' 0 'd["registers"] == 1' "$r" restore --store relay.db copy.db
check_status 'resume needs a checkpoint' 2 "$r" resume --store relay.db --register "$register"
json 'resume' 0 'd["size"] == 0' "$r" resume --store relay.db --register "$register" --checkpoint held
json 'revoke' 0 'd["append_keys"] == 1' "$r" revoke --store relay.db --grant grants/south.grant
json 'revoked is shown' 0 'd["registers"][0]["append_keys_revoked"] == 1' "$r" stats --store relay.db
json 'export' 0 'd["registers"] == 1' "$r" export-register exported --store relay.db
printf 'no store' >bad.db
check_status 'no store is verified' 1 "$r" verify --store bad.db
check_status 'a store that is not there' 3 "$r" stats --store nowhere.db
scenario_end
