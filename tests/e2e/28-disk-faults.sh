#!/usr/bin/env bash
# Goal: writes, syncs, opens and reads of a relay under traffic fail, once or for a while, and it is started anew for nothing but
# a failed sync, for which it may end in order: nothing is acknowledged that is not there, the log has a clear line for what was refused, and everybody is served again
# as soon as the disk is well.
# Each fault at some call drawn by DT_SEED; DT_DISK_FAULTS=all goes through eight places for each.
# builds: build-clang build-gcc build
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
seed=${DT_SEED:-$RANDOM}
echo "DT_SEED=$seed"
how=()
[ "${DT_DISK_FAULTS:-}" != all ] || how=(--all)
findings python3 "$top/tests/tools/disk_faults.py" "$DT_BIN" "$shim" --seed "$seed" "${how[@]}"
scenario_end
