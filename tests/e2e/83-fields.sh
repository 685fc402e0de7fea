#!/usr/bin/env bash
# Goal: a record is written in every way there is: fields on the command line, many from a file (all of them or none),
# an editor's form to which errors come back, and questions on a terminal that lose nothing at Ctrl-C.
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

count() { # WHO: how many records WHO has
    "$detente" --home "$1" records plenary --json | grep -c '"commitment"'
}
holds() { # WHAT NUMBER WHO
    local got
    got=$(count "$3")
    [ "$got" = "$2" ] && pass "$1: $3 has $2 records" || fail "$1: $3 has $got records, expected $2"
}

# ---- fields
check_status 'by --field' 0 "$detente" --home us record heartbeat plenary --yes --quiet --field station=north \
    --field number=1 --field status=normal
check_line 'what will be provable is said, whatever --yes and --quiet say' 'This is a RECORD' err
check_line 'and what the world is shown' 'By the default disclosure of .heartbeat.' err
check_status 'a wrong field' 1 "$detente" --home us record heartbeat plenary --yes --field station=north --field number=1 \
    --field status=normall
check_line 'what was meant is said' "did you mean normal\?" err
check_status 'a unit that is not the field'"'"'s' 1 "$detente" --home us record incident plenary --yes --field 'bearing=4 mil'
check_line 'the unit is said' 'bearing: expected a decimal number, in deg; for example 12.5 deg' err
holds 'one field by field' 1 us

# ---- many from a file
cat >good.csv <<'END'
station,number,status,text
north,2,normal,
north,3,degraded,"mains, then battery"
north,4,normal,back
END
cat >bad.json <<'END'
[{"station": "north", "number": 5, "status": "normal"},
 {"station": "north", "number": "six", "status": "normal"},
 {"station": "north", "number": 7}]
END
check_status 'a file that is not right' 1 "$detente" --home us record heartbeat plenary --yes --from bad.json
check_line 'entry and field are said' 'bad.json: entry 2: number: expected a whole number' err
check_line 'of each entry' 'bad.json: entry 3: status is required and absent' err
holds 'all or none' 1 us
check_status 'the same looked at alone' 1 "$detente" template check --kind heartbeat bad.json
check_status 'a file without its kind' 2 "$detente" template check bad.json
check_status 'a right one looked at alone' 0 "$detente" template check --kind heartbeat good.csv
check_status 'a table' 0 "$detente" --home us record heartbeat plenary --yes --from good.csv
[ "$(wc -l <out)" = 3 ] && pass 'a commitment each' || fail "$(wc -l <out) commitments"
check_status 'the other way' 0 "$detente" --home us record heartbeat plenary --yes --json --from good.csv
check_line 'as JSON' '"records"' out
holds 'three and three' 7 us
check_status 'no yes' 4 "$detente" --home us record heartbeat plenary --from good.csv
holds 'and none' 7 us

# An example of every kind, with the names of the charter
if command -v python3 >/dev/null; then
    python3 - "$top/tests/cli/records.json" <<'END'
import json, sys
for o in json.load(open(sys.argv[1])):
    json.dump(o, open('kind.%s.json' % o['@kind'], 'w'))
END
    for f in kind.*.json; do
        k=${f#kind.}
        check_status "a record of ${k%.json}" 0 "$detente" --home us record "${k%.json}" plenary --yes --from "$f"
    done
    holds 'every kind' 25 us
    settle us ru med
    holds 'every kind has arrived' 25 ru
    check_status 'another kind than the file says' 1 "$detente" --home us record contact plenary --yes --from kind.visit.json
    check_line 'is said' 'entry 1: @kind: expected contact' err
else
    skip 'no python3'
fi

# ---- an editor: the first time it forgets a field, and is given the form again with what is wrong
cat >editor <<'END'
#!/bin/sh
n=$(cat turns 2>/dev/null || echo 0)
n=$((n + 1))
echo $n >turns
cp "$1" form.$n
case $n in
1) sed -i 's/^station:.*/station: north/; s/^number:.*/number: many/' "$1" ;;
2) sed -i 's/^number:.*/number: 9/; s/^status:.*/status: normal/; s/^text:.*/text: by hand/' "$1" ;;
esac
END
chmod +x editor
EDITOR=./editor check_status 'by --edit' 0 "$detente" --home us record heartbeat plenary --yes --edit
check_line 'the form says each field' '^# station \(text, required\)' form.1
check_line 'with what it may be' '^#   one of: normal, degraded' form.1
check_line 'errors come back into it' '^#! number: expected a whole number' form.2
check_line 'with what was written' '^station: north$' form.2
[ "$(ls us | grep -c '^form-')" = 0 ] && pass 'no form stays in the home' || fail "left in the home: $(ls us)"
EDITOR=true check_status 'a form that is left as it is' 4 "$detente" --home us record heartbeat plenary --yes --edit
EDITOR=false check_status 'an editor that fails' 4 "$detente" --home us record heartbeat plenary --yes --edit
[ "$(ls us | grep -c '^form-')" = 0 ] && pass 'nor then' || fail "left in the home: $(ls us)"
"$detente" --home us records plenary --json >before

# ---- a terminal
if command -v python3 >/dev/null; then
    terminal() { # WHAT STATUS SCRIPT COMMAND...
        local what=$1 want=$2 rc script=$3
        shift 3
        printf '%b' "$script" >script
        python3 "$top/tests/e2e/terminal.py" script "$@" >shown 2>&1
        rc=$?
        [ "$rc" = "$want" ] && pass "$what" || {
            fail "$what: exit status $rc, expected $want"
            tail -n 30 shown
        }
    }
    n=$(count us)
    terminal 'asked field by field' 0 'station> \tnorth\nnumber> \tten\nexpected a whole number\t10\nstatus> \t:back\nnumber [10]> \t11\nstatus> \t:help\none of: normal\tnormal\noutage_until> \t:skip\ntext> \t\nMake this record? [yes/no] \tyes\n' \
        "$detente" --home us record heartbeat plenary
    check_line 'the record is said to be one' 'This is a RECORD' shown
    holds 'asked' $((n + 1)) us
    check_status 'what was typed stands in it' 0 "$detente" --home us show $((n + 1))
    check_line 'number' '^  number +11' out
    terminal 'Ctrl-C in the middle' 4 'station> \tsouth\nnumber> \t12\nstatus> \t^C\nin clear? [yes/no] \tyes\n' \
        "$detente" --home us record heartbeat plenary
    check_line 'what was typed is kept' '"station": "south"' heartbeat.draft1.json
    [ "$(stat -c %a heartbeat.draft1.json)" = 600 ] && pass 'for its owner alone' || fail 'others may read the draft'
    check_line 'and how to go on is said' '--draft heartbeat.draft1.json' shown
    terminal 'going on' 0 'station [south]> \t\nnumber [12]> \t\nstatus> \tnormal\noutage_until> \t\ntext> \t\n[yes/no] \tyes\n' \
        "$detente" --home us record heartbeat plenary --draft heartbeat.draft1.json
    holds 'gone on' $((n + 2)) us
    terminal 'Ctrl-C, and again' 4 'station> \tsouth\nnumber> \t^C\nin clear? [yes/no] \t^C\n' \
        "$detente" --home us record heartbeat plenary
    check_line 'is kept all the same' '"station": "south"' heartbeat.draft2.json
    terminal 'a no at the end' 4 'station> \teast\nnumber> \t13\nstatus> \tnormal\noutage_until> \t\ntext> \t\nMake this record? [yes/no] \tno\nin clear? [yes/no] \tno\n' \
        "$detente" --home us record heartbeat plenary
    [ ! -e heartbeat.draft3.json ] && pass 'a plain no keeps nothing' || fail 'kept in spite of a no'
    terminal 'cancelled with nothing typed' 4 'station> \t:cancel\n' "$detente" --home us record heartbeat plenary
    holds 'no record of these' $((n + 2)) us
else
    skip 'no python3'
fi
stores_whole us ru med
scenario_end
