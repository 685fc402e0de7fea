#!/usr/bin/env bash
# Goal: the console and the observer page in another browser, where there is one: the console opens with its key, sends, is
# locked and unlocked; the observer page verifies a proof with that browser's own cryptography, and one without Ed25519 is told so.
# builds: build-clang build-gcc build
# seconds: 180
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
firefox=$(command -v firefox-esr || command -v firefox || true)
if [ -z "$firefox" ]; then
    skip 'firefox is not here: nothing was tried in it'
    scenario_end
fi
. "$top/tests/e2e/browser.sh"
plenary
entry us 'one subject'
round
need 'open' as us open 1 --fields mode --out one.proof --without-consent
chromium=$firefox
# Its profiles and caches are nobody's.
mkdir home-of-firefox
export HOME=$DT_WORK/home-of-firefox
consoles_of us
browse_seconds=150 browse firefox "$DT_WORK" "$address" "$DT_BIN/web/observer.html" "$forum_id"
settle ru
check_status 'what was said there' 0 as ru read plenary
check_line 'came' 'From another browser' "$DT_WORK/out"
consoles_whole us
scenario_end
