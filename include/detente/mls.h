/*
 * detente/mls.h - Messaging Layer Security (RFC 9420) as a library: all that a program includes.
 *
 *     cc $(pkg-config --cflags libmls) program.c $(pkg-config --libs libmls)
 *
 * A pure state machine: state and bytes in, new state and bytes out. It does no I/O, asks no clock
 * and keeps nothing of its own; the caller stores groups and carries messages. libmls(3) is the
 * tour, the headers below say the rest:
 *
 *   base/err.h        error classes, and the message that explains the last one
 *   base/bytes.h      borrowed bytes (struct dt_view) and owned ones (struct dt_buf)
 *   crypto/secret.h   secret bytes: locked in memory, wiped on release
 *   mls/library.h     start, version, cipher suites, signature keys
 *   mls/limits.h      the maximum of everything that a peer can make long, deep or many
 *   mls/key_material.h  extensions, PSKs, policies; leaves and key packages
 *   mls/group.h       groups, commits, proposals, messages, saved state
 *   mls/sender.h      who made a message or a proposal
 *   mls/outside.h     GroupInfo, joining by an external Commit, proposing from outside
 *   mls/saved.h       the saved state in parts, for a database
 *
 * Names that begin with dt_ or mls_ (DT_, MLS_) are the library's.
 */
#ifndef DETENTE_MLS_H
#define DETENTE_MLS_H

#include "base/bytes.h"
#include "base/err.h"
#include "crypto/secret.h"
#include "mls/group.h"
#include "mls/library.h"
#include "mls/outside.h"
#include "mls/saved.h"

#endif
