/* test_error.c: status names and texts, the thread-local message, version. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

Test(error, every_status_has_its_name_and_text)
{
    static const struct {
        lam_status status;
        int value;
        const char *name, *text;
    } all[] = {
#define ROW(suffix, value, text) {LAM_##suffix, value, "LAM_" #suffix, text},
        LAM_STATUS_LIST(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_assert_eq((int)all[i].status, all[i].value);
        cr_assert_str_eq(lam_status_name(all[i].status), all[i].name);
        cr_assert_str_eq(lam_status_text(all[i].status), all[i].text);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(all[i].value, all[j].value);
    }
    cr_assert_str_eq(lam_status_name((lam_status)99), "LAM_ERR_?");
    cr_assert_neq(strlen(lam_status_text((lam_status)99)), 0);
}

Test(error, starts_empty_and_keeps_the_latest_failure)
{
    cr_assert_str_eq(lam_error_message(), "");
    cr_assert_eq(lam_error_status(), LAM_OK);
    cr_assert_eq(lam__fail(LAM_ERR_SHAPE, "%d x %s", 3, "four"), LAM_ERR_SHAPE);
    cr_assert_str_eq(lam_error_message(), "3 x four");
    cr_assert_eq(lam_error_status(), LAM_ERR_SHAPE);
    cr_assert_eq(lam__fail_memory(4096, "activations"), LAM_ERR_MEMORY);
    cr_assert_str_eq(lam_error_message(), "out of memory: 4096 bytes for activations");
    cr_assert_eq(lam_error_status(), LAM_ERR_MEMORY);
}

Test(error, a_message_may_quote_the_former_one)
{
    lam__fail(LAM_ERR_IO, "inner");
    lam__fail(LAM_ERR_FORMAT, "outer: %s: %s", lam_error_message(), lam_error_message());
    cr_assert_str_eq(lam_error_message(), "outer: inner: inner");
}

Test(error, a_long_message_is_cut_with_dots)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    lam__fail(LAM_ERR_ARGUMENT, "%s", text);
    const char *message = lam_error_message();
    const size_t length = strlen(message);
    cr_assert_gt(length, 200);
    cr_assert_lt(length, sizeof text - 1);
    cr_assert_str_eq(message + length - 3, "...");
    cr_assert_eq(message[length - 4], 'x');
}

static void *fail_elsewhere(void *seen_empty)
{
    *(int *)seen_empty = lam_error_message()[0] == '\0' && lam_error_status() == LAM_OK;
    lam__fail(LAM_ERR_NAME, "theirs");
    return NULL;
}

Test(error, each_thread_has_its_own_message)
{
    lam__fail(LAM_ERR_STATE, "ours");
    pthread_t thread;
    int seen_empty = 0;
    cr_assert_eq(pthread_create(&thread, NULL, fail_elsewhere, &seen_empty), 0);
    pthread_join(thread, NULL);
    cr_assert(seen_empty);
    cr_assert_str_eq(lam_error_message(), "ours");
    cr_assert_eq(lam_error_status(), LAM_ERR_STATE);
}

static lam_status tried(lam_status status, int *reached)
{
    LAM__TRY(status);
    *reached = 1;
    return LAM_OK;
}

Test(error, try_returns_a_failure_and_passes_success)
{
    int reached = 0;
    cr_assert_eq(tried(LAM_ERR_IO, &reached), LAM_ERR_IO);
    cr_assert_not(reached);
    cr_assert_eq(tried(LAM_OK, &reached), LAM_OK);
    cr_assert(reached);
}

Test(error, the_version_is_that_of_the_header)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", LAM_VERSION_MAJOR, LAM_VERSION_MINOR,
             LAM_VERSION_PATCH);
    cr_assert_str_eq(lam_version(), text);
    cr_assert_str_eq(LAM_VERSION_STRING, text);
}
