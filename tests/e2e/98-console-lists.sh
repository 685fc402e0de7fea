#!/usr/bin/env bash
# Goal: what a person looks for is where they look: a record has the same name at both sides, what is found is gone to, the timeline has
# notices with their windows, openings and line tests, a list of pairs has inputs, and no screen reads badly in any language or width.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
charter_options=(--line-test '30m sealed')
. "$top/tests/e2e/browser.sh"
plenary
day() { date -u -d "$1" +%Y-%m-%dT%H:00:00Z; }
for n in $(seq 1 90); do echo "message number $n"; done >said
while read -r line; do need 'talk' as us send plenary "$line"; done <said
entry us 'one' # these are in the register in another order than in south's home
need 'a question' as ru record question plenary --yes --quiet --set "seen_from=$(day -2days)" --set "seen_to=$(day -1day)" \
    --set 'area=52.08,4.31 r5' --set 'description=Two columns on the road' --set 'concern=Nothing was announced' \
    --set 'questions=What is it?' --set meeting_asked=false
need 'a launch' as us record launch plenary --yes --quiet --set vehicle_class=space_launch --set "window_start=$(day +10days)" \
    --set "window_end=$(day +12days)" --set 'launch_area=52.08,4.31 r5' --set azimuth=87.5 --set number=1
need 'an activity' as us record activity plenary --yes --quiet --set 'designation=Northern Shield' --set 'purpose=River crossing' \
    --set states=Northland --set command_level=brigade --set "start=$(day +60days)" --set "end=$(day +71days)" \
    --set 'area=52.08,4.31 52.08,4.60 52.30,4.60' --set personnel=4200 --set live_fire=true --set short_notice=false \
    --set 'contact_point=Operations desk'
round
first=$(as ru records plenary --json | python3 -c 'import json, sys
print([r["entry"] for r in json.load(sys.stdin)["records"] if r["kind"] == "contact"][0])')
need 'a countersignature' as ru countersign "entry:$first" --yes
settle us ru med
need 'claims' as us claims import "$top/examples/contacts/claims.csv"
for who in us ru; do need 'consent' as $who consent "entry:$first" --yes --fields mode,parties,started_at,time_precision --audience public; done
round
need 'open' as us open "entry:$first" --fields mode,parties,started_at,time_precision --out one.proof --publish --yes
consoles_of us ru
browse_seconds=280 browse lists "$DT_WORK" "$(cut -d' ' -f1 "$run_dir/relay.pid")" "$first" "${given[@]}"
consoles_whole us ru
scenario_end
