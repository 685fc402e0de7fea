/*
 * net/address.h - where a relay is: an address on the network, or a file that is carried by hand.
 *
 * Source: docs/protocol-relay.md "Transport", docs/protocol-carried.md "Addresses". Layer: net.
 *
 *     http://HOST:PORT, https://HOST    a relay on the network
 *     file:PATH                         a relay in one file; PATH as the system has it, no escapes
 *     file:NAME                         in a grant: such a file under any path, which who uses it
 *                                       says (NAME: [A-Za-z0-9._-], a letter or digit first)
 */
#ifndef DT_NET_ADDRESS_H
#define DT_NET_ADDRESS_H

#include <stdbool.h>

/* http or https. */
bool dt_address_is_http(const char *address);

/* A file. */
bool dt_address_is_file(const char *address);

/* Either: what dt_http_call() can be asked about. */
bool dt_address_is_relay(const char *address);

/* One that may stand in a grant: without a final '/', and without what has to be escaped anywhere.
 */
bool dt_address_is_grant(const char *address);

#endif
