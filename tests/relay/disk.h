/*
 * tests/relay/disk.h - a disk that loses its power, and whose calls fail: what this process does to
 * the files of one folder is written down call by call, and what may be left of it is put together.
 *
 * disk.c is linked into a test and stands before libc's open, pwrite, ftruncate, fsync, fdatasync,
 * rename, link, unlink and mmap, for our own code and for SQLite's alike; beneath them the calls
 * are really made, except that no sync waits for a disk. One thread alone may work on the folder.
 * SQLite's -shm is shared memory that is made anew after a power cut, so it is not kept.
 *
 * What holds after a power cut is what POSIX says and no more: a file's bytes and length when it
 * was synced after the write, a name when its folder was synced after the change.
 */
#ifndef DT_TESTS_RELAY_DISK_H
#define DT_TESTS_RELAY_DISK_H

#include "base/bytes.h"

#define DISK_SECTOR 512u

enum disk_kind {
    DISK_CREATE = 1, /* the name ${name} is ${file}'s */
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_SYNC_FAILED, /* what was not synced is not written later either */
    DISK_RENAME,      /* of ${file}, from ${name} to ${to} */
    DISK_LINK,
    DISK_UNLINK,
    DISK_SYNC_FOLDER,
    DISK_MARK /* the test's own */
};

struct disk_event {
    enum disk_kind kind;
    size_t file; /* a number of ours, of the inode */
    char *name, *to;
    uint64_t at; /* WRITE: where; TRUNCATE: how long; MARK: its value */
    uint8_t *bytes;
    size_t n;
};

/* From now on: what lies in ${folder} is there for good, and what is done to it is written down. */
void disk_begin(const char *folder);
void disk_mark(uint64_t value);

/* No more is written down. What was is disk_events[0 .. n - 1], until disk_forget(). */
void disk_end(void);
void disk_forget(void);
extern struct disk_event *disk_events;
extern size_t disk_n;

/* ---- calls that fail ---- */

enum disk_call {
    DISK_NO_CALL,
    DISK_OPENS,
    DISK_WRITES,
    DISK_SYNCS,     /* of files and of the folder */
    DISK_TRUNCATES, /* ftruncate */
    DISK_NAMES,     /* rename, link, unlink */
    DISK_MAPS,      /* mmap of the -shm */
    DISK_READS      /* pread, read */
};

/* The ${n}-th call of this kind on the folder fails with ${number}, from 1; all after it too with
 * ${on}. 0: none; they are counted all the same, from now. */
void disk_fail(enum disk_call what, unsigned int n, int number, bool on);
unsigned int disk_calls(void); /* counted since then */
bool disk_failed(void);        /* was there one that failed? */
void disk_pause(bool on);      /* while on, none fails and none is counted */

/* ---- what a power cut leaves ---- */

enum disk_cut {
    DISK_NOTHING,    /* nothing that was not synced */
    DISK_ALL,        /* all of it: a kill, no power cut */
    DISK_NAMES_ONLY, /* of files nothing, of names all */
    DISK_SOME,       /* of what was not synced some sectors, lengths and names */
    DISK_TORN,       /* likewise, and sectors that hold neither the old nor the new */
    DISK_CUTS
};

struct disk_replay;

/* Before the first event; what was in the folder at disk_begin() comes first. ${seed} decides what
 * a failed sync has left. */
struct disk_replay *disk_replay_new(uint64_t seed);
void disk_replay_free(struct disk_replay *r);

/* The next event happens. NULL: that was all. */
const struct disk_event *disk_replay_step(struct disk_replay *r);

/* Put what a power cut would leave now into the folder ${to}, whose files go before, and a hash of
 * it into ${hash}. */
void disk_replay_cut(const struct disk_replay *r, enum disk_cut cut, uint64_t seed, const char *to,
                     uint8_t hash[static 32]);

#endif
