/* contact_sheet.c: contact sheets, many images of a dataset in one. */
#include <lamina/images.h>

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source.h"

enum { MOST_ROWS = 32, MOST_COLUMNS = 256, GAP = 2, SMALLEST = 48, LARGEST = 128, PAPER = 255 };

typedef struct sheet {
    const lam_dataset *dataset;
    size_t columns, rows;
    size_t up, down; /* enlargement per pixel, or pixels merged into one */
    size_t tile_width, tile_height;
    size_t width, height, channels;
    uint8_t *pixels; /* [height][width][channels] */
    float *sample;   /* [features] */
    float lo, hi;    /* shown as black and white */
} sheet;

/* The class of a row and how many of its samples have been shown decide which sample comes next:
 * *at is where to look from, `samples` when there is none. */
static size_t next_sample(const sheet *page, size_t row, size_t at)
{
    const lam_dataset *dataset = page->dataset;
    while (dataset->labels && at < dataset->samples && (size_t)dataset->labels[at] != row)
        at++;
    return at;
}

/* Puts the sample into its place. */
static void draw(const sheet *page, size_t row, size_t column)
{
    const lam__input *image = &page->dataset->input;
    const size_t c = page->channels;
    const size_t top = GAP + row * (page->tile_height + GAP);
    const size_t left = GAP + column * (page->tile_width + GAP);
    const float scale = page->hi > page->lo ? 255.0f / (page->hi - page->lo) : 0.0f;
    for (size_t y = 0; y < page->tile_height; y++)
        for (size_t x = 0; x < page->tile_width; x++) {
            const size_t from_y = y / page->up * page->down, from_x = x / page->up * page->down;
            const float *from = page->sample + (from_y * image->width + from_x) * c;
            uint8_t *to = page->pixels + ((top + y) * page->width + left + x) * c;
            for (size_t k = 0; k < c; k++)
                to[k] = (uint8_t)((from[k] - page->lo) * scale + 0.5f);
        }
}

/* Calls `use` with each sample of the sheet. */
static lam_status for_each(sheet *page, void (*use)(sheet *page, size_t row, size_t column))
{
    size_t at = 0;
    for (size_t row = 0; row < page->rows; row++) {
        if (page->dataset->labels)
            at = 0;
        for (size_t column = 0; column < page->columns; column++, at++) {
            at = next_sample(page, row, at);
            if (at >= page->dataset->samples)
                break;
            LAM__TRY(lam_dataset_sample(page->dataset, at, page->sample));
            use(page, row, column);
        }
    }
    return LAM_OK;
}

static void use_to_draw(sheet *page, size_t row, size_t column)
{
    draw(page, row, column);
}

static void use_for_range(sheet *page, size_t row, size_t column)
{
    for (size_t i = 0; i < page->dataset->features; i++) {
        const float value = page->sample[i];
        page->lo = (row == 0 && column == 0 && i == 0) || value < page->lo ? value : page->lo;
        page->hi = (row == 0 && column == 0 && i == 0) || value > page->hi ? value : page->hi;
    }
}

static void lay_out(sheet *page, size_t columns)
{
    const lam_dataset *dataset = page->dataset;
    const lam__input *image = &dataset->input;
    const size_t largest = image->width > image->height ? image->width : image->height;
    page->up = largest < SMALLEST ? SMALLEST / largest : 1;
    page->down = (largest + LARGEST - 1) / LARGEST;
    page->tile_width = (image->width + page->down - 1) / page->down * page->up;
    page->tile_height = (image->height + page->down - 1) / page->down * page->up;
    page->columns = columns == 0 ? 10 : columns < MOST_COLUMNS ? columns : MOST_COLUMNS;
    page->rows =
        dataset->labels ? dataset->classes : (dataset->samples + page->columns - 1) / page->columns;
    if (!dataset->labels && page->rows > page->columns)
        page->rows = page->columns;
    if (page->rows > MOST_ROWS)
        page->rows = MOST_ROWS;
    page->channels = image->channels;
    page->width = GAP + page->columns * (page->tile_width + GAP);
    page->height = GAP + page->rows * (page->tile_height + GAP);
    page->lo = 0.0f;
    page->hi = 255.0f;
}

lam_status lam_dataset_write_sheet(const lam_dataset *dataset, size_t columns, const char *path)
{
    if (!dataset || !path)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_write_sheet: %s is NULL",
                         dataset ? "path" : "dataset");
    if (dataset->input.kind != LAM_INPUT_IMAGE)
        return lam__fail(LAM_ERR_SHAPE,
                         "a contact sheet shows images, but these samples are not images");
    sheet page = {.dataset = dataset};
    lay_out(&page, columns);
    const size_t size = page.width * page.height * page.channels;
    page.pixels = lam__allocate(size, 1, "a contact sheet");
    page.sample = lam__allocate(dataset->features, sizeof *page.sample, "a sample");
    lam_status status = page.pixels && page.sample ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        memset(page.pixels, PAPER, size);
        if (dataset->dtype != LAM_UINT8)
            status = for_each(&page, use_for_range);
    }
    if (status == LAM_OK)
        status = for_each(&page, use_to_draw);
    if (status == LAM_OK)
        status = lam_image_write_png(path, page.pixels, page.width, page.height, page.channels);
    lam__release(page.pixels);
    lam__release(page.sample);
    return status;
}
