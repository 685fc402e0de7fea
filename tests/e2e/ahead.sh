# shellcheck shell=bash
# Days go by: programs under a clock that is ahead, by the fault shim. Sourced after forum.sh; ends the scenario, visibly, where
# there is no shim (a build with a sanitizer).

need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
now=0 # seconds by which all clocks but the relay's are ahead

at() { # COMMAND...: with the clock of now
    DT_CLOCK_OFFSET=$now LD_PRELOAD=$shim "$@"
}
meet() { # WHO...: each syncs, as often as it takes for all to have said what they have to
    local round who
    for ((round = 0; round < 5; round++)); do
        for who in "$@"; do
            need 'sync' at "$detente" --home "$who" sync --quiet
        done
    done
}
forge() { # made up with a released key: tools/forge-talk
    at "$top/tools/forge-talk" "$DT_BIN" "$@"
}
