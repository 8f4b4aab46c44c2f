/* format_c.c: the row of C source. */
#include "formats/c_export/c_source.h"
#include "formats/model_formats.h"

static lam_status write(const lam_model *model, const char *path, const lam_export_options *options)
{
    lam_model bare = *model;
    if (!options->transform)
        bare.transform = (lam__transform){.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
    return lam__c_source_write(&bare, path, options->name);
}

const lam__model_format lam__format_c = {
    .name = "c",
    .help = "one self-contained C99 file and its header",
    .extensions = "c",
    .write = write,
};
