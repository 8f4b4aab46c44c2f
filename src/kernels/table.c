/* table.c: the kernels of one instruction set; compiled once for each, with LAM__ISA its name. */
#include "table.h"

#include "body_dropout.h"
#include "body_loss.h"
#include "body_map.h"
#include "body_norm.h"
#include "body_softmax.h"
#include "body_update.h"

#define JOIN_AGAIN(a, b) a##b
#define JOIN(a, b) JOIN_AGAIN(a, b)
#define TEXT_AGAIN(a) #a
#define TEXT(a) TEXT_AGAIN(a)

const lam__kernels JOIN(lam__kernels_, LAM__ISA) = {.name = TEXT(LAM__ISA),
#define ROW(name, type, help) .name = body_##name,
                                                    LAM__KERNEL_LIST(ROW)
#undef ROW
};
