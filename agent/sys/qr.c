/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/qr.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <qrencode.h>

#define QUIET 4 /* modules of margin, ISO/IEC 18004 section 6.3.8 */
#define CELL 3	/* bytes of a half block in UTF-8 */

static const char black_on_white[] = "\033[40;97m", plain[] = "\033[0m";

static bool light(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return true;
	return !(code->data[y * code->width + x] & 1);
}

static char *put(char *at, const char *text)
{
	size_t size = strlen(text);

	memcpy(at, text, size);
	return at + size;
}

static char *put_cell(char *at, bool upper, bool lower)
{
	return put(at, upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ");
}

char *rn_qr_text(const char *data, int color)
{
	QRcode *code = QRcode_encodeString8bit(data, 0, QR_ECLEVEL_L);
	int side = code ? code->width + 2 * QUIET : 0;
	char *out = NULL, *at;

	if (code)
		out =
		    malloc((size_t)(side / 2 + 1) * ((size_t)side * CELL + sizeof(black_on_white) + sizeof(plain)) + 1);
	if (!out)
		goto end;
	at = out;
	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		at = put(at, color ? black_on_white : "");
		for (int x = -QUIET; x < code->width + QUIET; x++)
			at = put_cell(at, light(code, x, y), y + 1 < code->width + QUIET && light(code, x, y + 1));
		at = put(at, color ? plain : "");
		at = put(at, "\n");
	}
	*at = '\0';
end:
	if (code) {
		memset(code->data, 0, (size_t)(code->width * code->width));
		QRcode_free(code);
	}
	return out;
}
