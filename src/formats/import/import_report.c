/* import_report.c: lines that a reader tells beside the model. */
#include "formats/import/import_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* More lines than anyone reads; a hostile file must not write a novel. */
enum { MOST_LINES = 64, LONGEST_LINE = 768, LONGEST_NAME = 64 };

struct lam_import_report {
    lam_import_line lines[MOST_LINES];
    char *values[MOST_LINES]; /* the values of the lines, for the release */
    size_t count;
};

lam_import_report *lam__report_new(void)
{
    return lam__allocate_zero(1, sizeof(lam_import_report), "the report of an import");
}

void lam__report(lam_import_report *report, const char *key, const char *format, ...)
{
    char text[LONGEST_LINE];
    va_list values;
    if (!report || report->count == MOST_LINES)
        return;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    char *copy = lam__copy_string(text);
    if (!copy)
        return;
    report->values[report->count] = copy;
    report->lines[report->count++] = (lam_import_line){.key = key, .value = copy};
}

void lam__name_list_add(lam__name_list *list, const char *name)
{
    const size_t room = sizeof list->text - list->length;
    list->count++;
    if (list->shown + 1 < list->count || room < LONGEST_NAME + 32)
        return;
    list->length += (size_t)snprintf(list->text + list->length, room, "%s'%.*s'",
                                     list->shown ? ", " : "", LONGEST_NAME, name);
    list->shown++;
}

const char *lam__name_list_text(lam__name_list *list)
{
    if (list->count > list->shown)
        snprintf(list->text + list->length, sizeof list->text - list->length, " and %zu more",
                 list->count - list->shown);
    return list->text;
}

size_t lam_import_report_lines(const lam_import_report *report)
{
    return report ? report->count : 0;
}

const lam_import_line *lam_import_report_line(const lam_import_report *report, size_t i)
{
    return report && i < report->count ? &report->lines[i] : NULL;
}

void lam_import_report_free(lam_import_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->count; i++)
        lam__release(report->values[i]);
    lam__release(report);
}
