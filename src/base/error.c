/* error.c: status names and texts, the thread-local message, the version. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char latest_message[LAM__MESSAGE_SIZE];
static _Thread_local lam_status latest_status;

const char *lam_status_name(lam_status status)
{
    switch (status) {
#define STATUS_NAME(suffix, value, text)                                                           \
    case LAM_##suffix:                                                                             \
        return "LAM_" #suffix;
        LAM_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "LAM_ERR_?";
}

const char *lam_status_text(lam_status status)
{
    switch (status) {
#define STATUS_TEXT(suffix, value, text)                                                           \
    case LAM_##suffix:                                                                             \
        return text;
        LAM_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

const char *lam_error_message(void)
{
    return latest_message;
}

lam_status lam_error_status(void)
{
    return latest_status;
}

const char *lam_version(void)
{
    return LAM_VERSION_STRING;
}

lam_status lam__fail(lam_status status, const char *format, ...)
{
    /* Written aside first: an argument may be the former message. What it quotes may come from a
     * file that is not to be trusted. */
    char text[LAM__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        strcpy(text, lam_status_text(status));
    else if ((size_t)length >= sizeof text)
        strcpy(text + sizeof text - sizeof "...", "...");
    lam_printable(text, latest_message, sizeof latest_message);
    latest_status = status;
    return status;
}

lam_status lam__fail_memory(size_t size, const char *what)
{
    return lam__fail(LAM_ERR_MEMORY, "out of memory: %zu bytes for %s", size, what);
}
