/*
 * relay/program/notify.h - telling systemd how a service is.
 *
 * Source: sd_notify(3): one datagram of KEY=VALUE lines to the socket named by NOTIFY_SOCKET.
 * Layer: relay. Where that is not set nothing is done.
 */
#ifndef DT_RELAY_NOTIFY_H
#define DT_RELAY_NOTIFY_H

#include <stdint.h>

#include "base/err.h"

/* Send ${lines}, "READY=1\nSTATUS=serving". IO; OK where nobody listens. */
DT_MUST_CHECK enum dt_err relay_notify(const char *lines);

/* How often WATCHDOG=1 is to be sent, half of what WATCHDOG_USEC allows this process; 0: never. */
uint64_t relay_notify_watchdog_ms(void);

#endif
