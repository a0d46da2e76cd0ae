/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A name cut inside a character leaves a piece of it, and answers are UTF-8: each such piece becomes one '?'. */
static void replace_pieces(char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *to = text;

	while (*from) {
		size_t size = *from < 0x80 ? 1 : *from < 0xe0 ? 2 : *from < 0xf0 ? 3 : 4, have = 1;

		while (have < size && (from[have] & 0xc0) == 0x80)
			have++;
		if (have == size && (*from < 0x80 || (*from >= 0xc2 && *from <= 0xf4))) {
			memmove(to, from, size);
			to += size;
		} else {
			*to++ = '?';
		}
		from += have;
	}
	*to = '\0';
}

int rn_fail(struct rn_err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	replace_pieces(err->text);
	return code;
}
