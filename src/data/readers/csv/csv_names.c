/* csv_names.c: the names of a table's columns, found by hash: a table may have a million. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/text/hash.h"
#include "data/readers/csv/csv.h"

/* The slot of a name, or the free one where it would be: at most half of the slots are taken. */
static size_t slot_of(const lam__csv *csv, const char *name)
{
    size_t slot = lam__hash(name, strlen(name)) & (csv->slot_count - 1);
    while (csv->slots[slot] > 0 && strcmp(csv->names[csv->slots[slot] - 1], name) != 0)
        slot = (slot + 1) & (csv->slot_count - 1);
    return slot;
}

size_t lam__csv_find(const lam__csv *csv, const char *name)
{
    const size_t slot = csv->slots ? slot_of(csv, name) : 0;
    return csv->slots && csv->slots[slot] > 0 ? csv->slots[slot] - 1 : LAM__CSV_NO_COLUMN;
}

/* Of columns with the same name the first is found; *twin is the first column that has a name
 * already taken, LAM__CSV_NO_COLUMN where there is none. */
static lam_status index_names(lam__csv *csv, size_t *twin)
{
    *twin = LAM__CSV_NO_COLUMN;
    if (!csv->slots) {
        csv->slot_count = 16;
        while (csv->slot_count / 2 < csv->columns)
            csv->slot_count *= 2;
        csv->slots = lam__allocate(csv->slot_count, sizeof *csv->slots, "the names of columns");
        if (!csv->slots)
            return LAM_ERR_MEMORY;
    }
    memset(csv->slots, 0, csv->slot_count * sizeof *csv->slots);
    for (size_t i = 0; i < csv->columns; i++) {
        const size_t slot = slot_of(csv, csv->names[i]);
        if (csv->slots[slot] == 0)
            csv->slots[slot] = (uint32_t)i + 1;
        else if (*twin == LAM__CSV_NO_COLUMN)
            *twin = i;
    }
    return LAM_OK;
}

/* Takes the first row for names; *numbers tells whether a number was among them. */
static lam_status take_names(lam__csv *csv, bool *numbers)
{
    lam__csv_field field;
    const char *at = csv->first;
    *numbers = false;
    csv->names = lam__allocate_zero(csv->columns, sizeof *csv->names, "the names of columns");
    if (!csv->names)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < csv->columns; i++, at = field.next + 1) {
        float value;
        LAM__TRY(lam__csv_field_at(csv, at, i, &field));
        *numbers |= lam__csv_number(&field, &value);
        csv->names[i] = lam__csv_content(&field);
        if (!csv->names[i])
            return LAM_ERR_MEMORY;
    }
    return LAM_OK;
}

/* A first row with a number in it is no header; one that has all the known names surely is. */
static lam_status decide_header(lam__csv *csv, const char *header, const char *const *known,
                                size_t count)
{
    bool numbers;
    size_t twin;
    LAM__TRY(take_names(csv, &numbers));
    csv->header = strcmp(header, "yes") == 0 || (strcmp(header, "no") != 0 && !numbers);
    if (csv->header || strcmp(header, "no") == 0 || count == 0)
        return LAM_OK;
    LAM__TRY(index_names(csv, &twin));
    csv->header = true;
    for (size_t i = 0; i < count && csv->header; i++)
        csv->header = lam__csv_find(csv, known[i]) != LAM__CSV_NO_COLUMN;
    return LAM_OK;
}

/* Gives a name to columns that have none: to all of them where there is no header. */
static lam_status name_by_number(lam__csv *csv)
{
    for (size_t i = 0; i < csv->columns; i++) {
        char name[32];
        if (csv->header && csv->names[i][0] != '\0')
            continue;
        snprintf(name, sizeof name, "column %zu", i + 1);
        lam__release(csv->names[i]);
        csv->names[i] = lam__copy_string(name);
        if (!csv->names[i])
            return LAM_ERR_MEMORY;
    }
    return LAM_OK;
}

/* Columns are found by name: each must be another, and go into a model file. */
static lam_status check_names(lam__csv *csv)
{
    size_t twin;
    LAM__TRY(index_names(csv, &twin));
    for (size_t i = 0; i < csv->columns; i++)
        if (!lam__is_utf8(csv->names[i]))
            return lam__csv_fail(csv, LAM_ERR_FORMAT, csv->first, i, "the name is not UTF-8");
    if (twin == LAM__CSV_NO_COLUMN)
        return LAM_OK;
    return lam__csv_fail(csv, LAM_ERR_FORMAT, csv->first, twin, "column %zu has the same name",
                         lam__csv_find(csv, csv->names[twin]) + 1);
}

lam_status lam__csv_name_columns(lam__csv *csv, const char *header, const char *const *known,
                                 size_t known_count)
{
    LAM__TRY(decide_header(csv, header, known, known_count));
    LAM__TRY(name_by_number(csv));
    return check_names(csv);
}
