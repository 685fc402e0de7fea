#!/usr/bin/env bash
# Goal: one store, a relay that is killed again and again, at calls of its start, of its transactions and between a sync and
# its answer, under sixteen senders, four readers, a recorder and a witness: no acknowledged message, entry or cosignature
# is lost, none is there twice, and all stand in the order in which they were sent.
# A cycle takes a sixth of a second, so that DT_KILL_LOOP=2000 is a matter of minutes.
# builds: build-clang build-gcc build
# seconds: 2400
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
. "$top/tests/e2e/kills.sh"
need_shim
seed=${DT_SEED:-$RANDOM}
echo "DT_SEED=$seed"
findings python3 "$top/tests/tools/kill_relay.py" "$DT_BIN" "$shim" --cycles "$kills" --places "$places" --seed "$seed"
histogram transaction request store
scenario_end
