/*
 * relay/program/metrics_internal.h - what metrics.c and metrics_server.c share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_METRICS_INTERNAL_H
#define DT_RELAY_METRICS_INTERNAL_H

#include "relay/program/metrics.h"

extern const unsigned int relay_metrics_statuses[RELAY_STATUSES]; /* 0: any other */
extern const uint64_t relay_metrics_batch_steps[RELAY_BATCH_STEPS];
extern const uint64_t relay_metrics_time_steps[RELAY_SECOND_STEPS]; /* microseconds */

#endif
