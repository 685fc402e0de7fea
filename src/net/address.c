/*
 * net/address.c - see address.h.
 */
#include <string.h>

#include "net/limits.h"

#include "net/address.h"

#define FILE_MARK "file:"

bool
dt_address_is_http(const char *address)
{
    return strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0;
}

bool
dt_address_is_file(const char *address)
{
    return strncmp(address, FILE_MARK, sizeof(FILE_MARK) - 1) == 0 &&
           address[sizeof(FILE_MARK) - 1] != '\0';
}

bool
dt_address_is_relay(const char *address)
{
    return dt_address_is_http(address) || dt_address_is_file(address);
}

static bool
name_ok(const char *name)
{
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(name);

    return n > 0 && n <= DT_GRANT_NAME_MAX && strspn(name, all) == n && name[0] != '.' &&
           name[0] != '-' && name[0] != '_';
}

bool
dt_address_is_grant(const char *address)
{
    size_t n = strlen(address);

    if (dt_address_is_file(address))
        return name_ok(address + sizeof(FILE_MARK) - 1);
    return dt_address_is_http(address) && n <= DT_NET_URL_MAX && address[n - 1] != '/' &&
           strpbrk(address, " \"\\<>?#@") == NULL;
}
