/* progress.c: how a training run shows itself. */
#include "progress.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "json_out.h"

/* Seconds between two drawings of the bar; its widths in columns. */
#define REDRAW_AFTER 0.1
enum { BAR_MOST = 30, BAR_LEAST = 8, LINE = 1024 };

/* A line under construction; what does not fit is left out. */
typedef struct line {
    char text[LINE];
    size_t length;
} line;

static void add(line *out, const char *format, ...) CLI_PRINTF(2, 3);

static void add(line *out, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    const int n = vsnprintf(out->text + out->length, sizeof out->text - out->length, format, rest);
    va_end(rest);
    if (n > 0)
        out->length += (size_t)n;
    if (out->length >= sizeof out->text)
        out->length = sizeof out->text - 1;
}

static void add_figure(line *out, const char *prefix, const char *name, double value)
{
    char text[32];
    add(out, "  %s%s %s", prefix, name, cli_format_figure(value, text, sizeof text));
}

/* Loss and metrics; the loss in its two parts when there is regularization. */
static void add_scores(line *out, const char *prefix, const lam_scores *scores)
{
    add_figure(out, prefix, "loss", scores->loss);
    if (scores->regularization_loss > 0.0) {
        add_figure(out, prefix, "data_loss", scores->data_loss);
        add_figure(out, prefix, "regularization_loss", scores->regularization_loss);
    }
    for (size_t i = 0; i < scores->metrics; i++)
        add_figure(out, prefix, scores->names[i], scores->values[i]);
}

static void add_speed(line *out, double samples, double seconds)
{
    const double speed = seconds > 0.0 ? samples / seconds : 0.0;
    if (speed >= 999500.0)
        add(out, "  %.1fM samples/s", speed / 1e6);
    else if (speed >= 9950.0)
        add(out, "  %.0fk samples/s", speed / 1e3);
    else
        add(out, "  %.0f samples/s", speed);
}

/* "0:07", "1:02:03". */
static void add_time(line *out, double seconds)
{
    const unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000ul;
    if (s >= 3600)
        add(out, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        add(out, "%lu:%02lu", s / 60, s % 60);
}

static int digits(size_t n)
{
    int count = 1;
    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

static void add_epoch_number(line *out, const lam_event *event)
{
    add(out, "epoch %*zu/%zu", digits(event->epochs), event->progress->epoch, event->epochs);
}

void cli_progress_clear(cli_progress *progress)
{
    if (!progress->bar_shown)
        return;
    fputs("\r\033[K", stdout);
    fflush(stdout);
    progress->bar_shown = false;
}

/* Seconds all the epochs to come will take at the speed so far. */
static double time_left(const cli_progress *progress, const lam_event *event, double now)
{
    const double done = (double)(event->progress->epoch - 1) +
                        (double)event->batch / (double)(event->batches ? event->batches : 1);
    const double since = done - progress->done_before;
    return since > 0.0 ? (now - progress->started) * ((double)event->epochs - done) / since : 0.0;
}

/* "epoch  3/10  [=====>    ]  45%  loss 0.3412  accuracy 0.8811  171k samples/s  0:03 left", cut to
 * the terminal's width. The bar takes the room the figures leave. */
static void draw_bar(cli_progress *progress, const lam_event *event)
{
    const double now = cli_now();
    if (now - progress->drawn < REDRAW_AFTER)
        return;
    progress->drawn = now;
    line head = {.length = 0}, tail = {.length = 0};
    char bar[BAR_MOST + 8] = "";
    const double share = event->batches ? (double)event->batch / (double)event->batches : 0.0;
    add_epoch_number(&head, event);
    add(&tail, "  %3.0f%%", floor(100.0 * share));
    add_scores(&tail, "", &event->progress->train);
    add_speed(&tail, (double)(event->progress->train.samples - progress->samples_before),
              now - progress->epoch_started);
    add(&tail, "  ");
    add_time(&tail, time_left(progress, event, now));
    add(&tail, " left");
    const size_t width = cli_terminal_width(STDOUT_FILENO) - 1; /* the last column may wrap */
    const size_t used = head.length + tail.length + 4;
    size_t room = width > used ? width - used : 0;
    if (room > BAR_MOST)
        room = BAR_MOST;
    if (room >= BAR_LEAST) {
        const size_t filled = (size_t)(share * (double)room);
        strcpy(bar, "  [");
        memset(bar + 3, '=', filled);
        memset(bar + 3 + filled, ' ', room - filled);
        if (filled < room)
            bar[3 + filled] = '>';
        strcpy(bar + 3 + room, "]");
    }
    line all = {.length = 0};
    add(&all, "%.200s%s%.700s", head.text, bar, tail.text);
    printf("\r%.*s\033[K", (int)width, all.text);
    fflush(stdout);
    progress->bar_shown = true;
}

/* Adds what fits the terminal's width beside the rest; off terminals everything. */
static void add_if_fits(const cli_progress *progress, line *out, const line *more)
{
    const bool fits = out->length + more->length < cli_terminal_width(STDOUT_FILENO);
    if (progress->mode != CLI_PROGRESS_TERMINAL || fits)
        add(out, "%.200s", more->text);
}

static void print_line(const cli_progress *progress, const lam_event *event)
{
    const lam_epoch *epoch = event->progress;
    line out = {.length = 0}, seconds = out, speed = out, rate = out;
    add_epoch_number(&out, event);
    add_scores(&out, "", &epoch->train);
    if (epoch->has_validation)
        add_scores(&out, "val_", &epoch->validation);
    add(&seconds, "  %.2f s", epoch->seconds);
    add_speed(&speed, (double)epoch->train.samples, epoch->seconds);
    add(&rate, "  learning_rate %.3g", epoch->learning_rate);
    add_if_fits(progress, &out, &seconds);
    add_if_fits(progress, &out, &speed);
    add_if_fits(progress, &out, &rate);
    puts(out.text);
}

static void write_scores(cli_json *json, const char *prefix, const lam_scores *scores)
{
    char key[128];
    const struct {
        const char *name;
        double value;
    } losses[] = {{"loss", scores->loss},
                  {"data_loss", scores->data_loss},
                  {"regularization_loss", scores->regularization_loss}};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        snprintf(key, sizeof key, "%s%s", prefix, losses[i].name);
        cli_json_number(json, key, losses[i].value);
    }
    for (size_t i = 0; i < scores->metrics; i++) {
        snprintf(key, sizeof key, "%s%s", prefix, scores->names[i]);
        cli_json_number(json, key, scores->values[i]);
    }
}

static void write_json(const lam_event *event)
{
    const lam_epoch *epoch = event->progress;
    cli_json json = {.file = stdout};
    cli_json_open_object(&json, NULL);
    cli_json_count(&json, "epoch", epoch->epoch);
    cli_json_count(&json, "epochs", event->epochs);
    cli_json_count(&json, "samples", epoch->train.samples);
    write_scores(&json, "", &epoch->train);
    cli_json_number(&json, "learning_rate", epoch->learning_rate);
    if (epoch->has_validation)
        write_scores(&json, "val_", &epoch->validation);
    cli_json_number(&json, "seconds", epoch->seconds);
    cli_json_close_object(&json);
    cli_json_end_line(&json);
}

static void end_epoch(cli_progress *progress, const lam_event *event)
{
    if (progress->batch == progress->batches)
        progress->finished_epochs = event->progress->epoch;
    if (progress->mode == CLI_PROGRESS_QUIET || progress->broken)
        return;
    cli_progress_clear(progress);
    if (progress->mode == CLI_PROGRESS_JSON)
        write_json(event);
    else
        print_line(progress, event);
    progress->broken = !cli_flush_output();
    if (progress->broken && errno == EPIPE && !freopen("/dev/null", "w", stdout))
        return; /* the reader has seen enough: what is still buffered goes nowhere */
}

/* A resumed run may begin in the middle of an epoch: speed and time left count from there. */
static void begin_epoch(cli_progress *progress, const lam_event *event)
{
    progress->epoch_started = cli_now();
    progress->samples_before = event->batch ? event->progress->train.samples : 0;
    if (progress->begun)
        return;
    progress->begun = true;
    progress->done_before = (double)(event->progress->epoch - 1);
    if (event->batches)
        progress->done_before += (double)event->batch / (double)event->batches;
}

/* What is wrong with checkpoints is said in every mode. */
static void report_checkpoint(cli_progress *progress, const lam_event *event)
{
    const bool resumes = event->kind == LAM_EVENT_RESUME;
    if (event->status == LAM_OK) {
        progress->kept = progress->kept || !resumes;
        progress->resumed = progress->resumed || resumes;
        if (resumes && progress->mode != CLI_PROGRESS_QUIET)
            cli_error("continuing from '%s'", event->path);
        if (resumes && event->message) /* in every mode */
            cli_error(
                "'%s' was made in a different environment: %s; the model may differ in its last "
                "bits from that of an uninterrupted run",
                event->path, event->message);
        return;
    }
    cli_progress_clear(progress);
    if (resumes)
        cli_error("%s; using the checkpoint before it", event->message);
    else
        cli_error("%s; training continues, and the previous checkpoint stays", event->message);
}

void cli_progress_show(cli_progress *progress, const lam_event *event)
{
    switch (event->kind) {
    case LAM_EVENT_TRAIN_BEGIN:
        progress->started = cli_now();
        progress->epochs = event->epochs;
        break;
    case LAM_EVENT_EPOCH_BEGIN:
        begin_epoch(progress, event);
        break;
    case LAM_EVENT_BATCH_END:
        progress->epoch = event->progress->epoch;
        progress->batch = event->batch;
        progress->batches = event->batches;
        if (progress->mode == CLI_PROGRESS_TERMINAL)
            draw_bar(progress, event);
        break;
    case LAM_EVENT_EPOCH_END:
        end_epoch(progress, event);
        break;
    case LAM_EVENT_TRAIN_END:
        cli_progress_clear(progress);
        break;
    case LAM_EVENT_RESUME:
    case LAM_EVENT_CHECKPOINT:
        report_checkpoint(progress, event);
        break;
    }
}
