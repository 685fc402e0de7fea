#!/bin/sh
# Stands before the system's program of this name while ./test installs packages (tools/lib.sh): what the tests need
# as a program, such as nginx, is not started as a service of this machine.
exit 0
