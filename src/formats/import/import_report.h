/* import_report.h: what a reader tells beside the model: what it leaves out and takes for granted.
 */
#ifndef LAMINA_IMPORT_REPORT_H
#define LAMINA_IMPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/exchange.h>

/* Keys of the lines. */
#define LAM__LEFT_OUT "left out"
#define LAM__ASSUMED "assumed"
#define LAM__NOTE "note"
#define LAM__CHECKED "checked"

lam_import_report *lam__report_new(void);

/* Adds a line. A report of NULL takes nothing, and neither does one that has no memory: a model is
 * not lost because something about it cannot be told. */
void lam__report(lam_import_report *report, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Names put together for one line: "'a', 'b' and 12 more". Begin with zeros. */
typedef struct lam__name_list {
    char text[400];
    size_t length, shown, count;
} lam__name_list;

void lam__name_list_add(lam__name_list *list, const char *name);

/* The text, "" for no names. */
const char *lam__name_list_text(lam__name_list *list);

#endif
