#!/usr/bin/env bash
# Goal: line tests by real programs, in slots of a minute: heard on both sides, missed while an agent is away and while
# the relay is, planned outages, a person's word; status says which, and the charter says how often.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
charter_options=(--line-test '1m sealed')
forum
check_status 'the charter says how often' 0 "$detente" charter show charter
check_line 'in words' 'every agent tests its line every .*, each test a sealed record too' out
check_status 'a rule that cannot be is refused' 1 "$detente" charter draft --grant grants/neutral.grant --title X \
    --out x.charter --party north=north.root.pub --party south=south.root.pub --mediator neutral=neutral.root.pub \
    --line-test 60m
plenary

slot() { # into the first half of a slot: what is said in it is not cut in two by its end
    while [ $(($(date +%s) % 60)) -ge 30 ]; do sleep 1; done
}
next_slot() { sleep $((60 - $(date +%s) % 60)); }

slot
settle us ru med
check_status 'us sees the line to ru' 0 as us line plenary
check_line 'tested, with its number' 'line to Boris South .south.: tested .* ago, no\. [0-9]+' out
check_line 'and that its own was answered by both agents' 'ours: no\. [0-9]+ has arrived at 2 of 2 agents' out
check_status 'status says so too' 0 as us status
check_line 'a line a member' 'line to Mira Mediator .neutral.: tested' out
check_line 'and who is in the channel' '^ +in it: .*Ana North \(north\), you(;|$)' out
check_line 'what waits for a person here' '^ +their test no\. [0-9]+, here since .*, waits for a person at this desk' out
check_status 'line says until when the others have time' 0 as us line plenary
check_line 'a person of each' '^    a person of south has until .* to confirm our test no\. [0-9]+$' out
check 'a person confirms' as ru line confirm plenary
settle us ru med
check_status 'and us is told' 0 as us line plenary
check_line 'that a person there has seen it' 'a person there has seen ours' out
check_status 'each test is a record too' 0 as med records plenary
check_line 'of the kind heartbeat' 'Line test|heartbeat' out

# ru is away for a slot, med announces an outage.
check 'med announces an outage' as med line outage plenary --until +1h --text 'the generator is serviced'
settle us ru med
next_slot
slot
settle us
next_slot
slot
settle us
check_status 'us looks again' 0 as us line plenary
check_line 'ru was not heard, and it was not the relay' \
    'line to Boris South .south.: NOT HEARD for .*: the relay was reached from here; their agent was silent' out
check_line 'med is in its outage' 'line to Mira Mediator .neutral.: a planned outage until .*: the generator is serviced' out
check_line 'what was missed stands there' 'missed no\. [0-9]+, .* to .*: a planned outage' out
check_status 'as JSON' 0 as us line plenary --json
check_line 'with the reason' '"why": "silent"' out
settle us ru
check_status 'ru is back' 0 as us status
check_line 'and status says so' 'line to Boris South .south.: tested' out
check_status 'what an outage lacks is said' 2 as us line outage plenary
check 'an outage is called off' as med line outage plenary --over
settle us ru med
check_status 'med is back' 0 as us line plenary
check_line 'and tested' 'line to Mira Mediator .neutral.: tested' out
scenario_end
