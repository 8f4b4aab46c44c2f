/* output.c: what can be known of files before they are written. */
#include <lamina/output.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "io/file_write.h"

lam_status lam_output_check(const char *path)
{
    lam__file_writer writer;
    if (!path || path[0] == '\0')
        return lam__fail(LAM_ERR_ARGUMENT, "lam_output_check: path is %s", path ? "empty" : "NULL");
    LAM__TRY(lam__file_write_open(&writer, path));
    lam__file_write_abandon(&writer);
    return LAM_OK;
}

/* The beginnings of what Lamina writes; they stand in the file at `at`. */
static const struct {
    size_t at;
    const char *text;
} openings[] = {
    {8, "{\"__metadata__\":{\"lamina"}, /* models and checkpoints, behind the header's length */
    {2, "\x12\x06lamina"},              /* ONNX: producer_name, behind ir_version */
    {37, "tEXtSoftware\0Lamina"},       /* PNG: the first chunk behind the image header */
};

enum { HEAD = 512, SOFTWARE_BYTES = 19 };

static size_t length_of(size_t i)
{
    const size_t length = strlen(openings[i].text);
    return length == strlen("tEXtSoftware") ? SOFTWARE_BYTES : length;
}

/* C source and header: the first line is a comment that says so, after a name. */
static bool is_c_text(char *head)
{
    head[strcspn(head, "\n")] = '\0';
    return strncmp(head, "/* ", 3) == 0 && strstr(head, ", written by Lamina ");
}

bool lam_output_is_own(const char *path)
{
    char head[HEAD + 1] = {0};
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0)
        return false;
    const ssize_t got = read(fd, head, HEAD);
    close(fd);
    for (size_t i = 0; got > 0 && i < sizeof openings / sizeof *openings; i++)
        if (openings[i].at + length_of(i) <= (size_t)got &&
            memcmp(head + openings[i].at, openings[i].text, length_of(i)) == 0)
            return true;
    return got > 0 && is_c_text(head);
}
