/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_QR_H
#define RN_SYS_QR_H

#include <stddef.h>

/*
 * QR codes (ISO/IEC 18004) as UTF-8 half blocks for a terminal; the only file that includes libqrencode. Light modules
 * are drawn, so that it reads on a dark terminal; `color` sets black on white by escape sequences and reads on any.
 * Heap text that the caller frees (and wipes: it is as secret as what it encodes), or NULL: too long, or out of memory.
 */
char *rn_qr_text(const char *data, int color);

#endif
