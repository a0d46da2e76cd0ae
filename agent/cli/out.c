/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELL_MAX 256
#define TABLE_COLUMNS_MAX 32

/* Length of the UTF-8 sequence at text (RFC 3629), 0 where it is none; *ret gets the character. */
static size_t character(const unsigned char *text, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80	     ? 1
			: text[0] >> 5 == 6  ? 2
			: text[0] >> 4 == 14 ? 3
			: text[0] >> 3 == 30 ? 4
					     : 0;
	uint32_t value = length == 1 ? text[0] : text[0] & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (length == 0 || value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*ret = value;
	return length;
}

static bool harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	/* Marks that reorder or hide what stands around them. */
	return !(c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		 (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f));
}

char *rn_out_escape(const char *text, char *out, size_t size)
{
	const unsigned char *from = (const unsigned char *)text;
	size_t at = 0;

	while (*from) {
		uint32_t c = 0;
		size_t length = character(from, &c);
		bool plain = length && harmless(c);

		if (at + (plain ? length : 4) >= size)
			break;
		if (plain) {
			memcpy(out + at, from, length);
			at += length;
			from += length;
		} else {
			at += (size_t)snprintf(out + at, size - at, "\\x%02x", *from++);
		}
	}
	out[at] = '\0';
	return out;
}

void rn_out_text(FILE *file, const char *text)
{
	size_t size = 4 * strlen(text) + 5;
	char *out = malloc(size);

	if (out)
		fputs(rn_out_escape(text, out, size), file);
	free(out);
}

size_t rn_out_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

bool rn_out_color(FILE *file)
{
	const char *off = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(off && *off) && term && strcmp(term, "dumb") != 0 && isatty(fileno(file));
}

void rn_out_painted(FILE *file, enum rn_paint paint, const char *text)
{
	static const char *const codes[] = {"", "\033[32m", "\033[31m", "\033[2m"};
	bool color = paint != RN_PAINT_NONE && rn_out_color(file);

	fputs(color ? codes[paint] : "", file);
	rn_out_text(file, text);
	fputs(color ? "\033[0m" : "", file);
}

struct rn_table {
	unsigned columns, right; /* right: a bit for each column */
	size_t count, room;
	char **cells;
	bool failed;
};

void rn_table_right(struct rn_table *table, unsigned column)
{
	if (table)
		table->right |= 1u << column;
}

void rn_table_cell(struct rn_table *table, const char *text)
{
	char escaped[CELL_MAX];

	if (!table || table->failed)
		return;
	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		char **grown = realloc(table->cells, room * sizeof(*grown));

		table->failed = !grown;
		if (!grown)
			return;
		table->cells = grown;
		table->room = room;
	}
	table->cells[table->count] = strdup(rn_out_escape(text && *text ? text : "-", escaped, sizeof(escaped)));
	if (table->cells[table->count])
		table->count++;
	else
		table->failed = true;
}

struct rn_table *rn_table_new(const char *const headings[], unsigned columns)
{
	struct rn_table *table = columns > 0 && columns <= TABLE_COLUMNS_MAX ? calloc(1, sizeof(*table)) : NULL;

	if (table)
		table->columns = columns;
	for (unsigned i = 0; i < columns; i++)
		rn_table_cell(table, headings[i]);
	return table;
}

static size_t column_width(const struct rn_table *table, unsigned column)
{
	size_t width = 0;

	for (size_t i = column; i < table->count; i += table->columns)
		if (rn_out_width(table->cells[i]) > width)
			width = rn_out_width(table->cells[i]);
	return width;
}

static void print_cell(const struct rn_table *table, size_t index, size_t width, FILE *file)
{
	unsigned column = (unsigned)(index % table->columns);
	int gap = (int)(width - rn_out_width(table->cells[index]));
	bool last = column + 1 == table->columns;

	if (table->right & 1u << column)
		fprintf(file, "%*s%s", gap, "", table->cells[index]);
	else
		fprintf(file, "%s%*s", table->cells[index], last ? 0 : gap, "");
	fputs(last ? "\n" : "  ", file);
}

void rn_table_print_free(struct rn_table *table, FILE *file)
{
	size_t widths[TABLE_COLUMNS_MAX];

	if (!table || table->failed)
		fputs("rnaut: out of memory\n", stderr);
	if (!table)
		return;
	for (unsigned c = 0; c < table->columns; c++)
		widths[c] = column_width(table, c);
	for (size_t i = 0, column = 0; i < table->count; i++, column = (column + 1) % table->columns)
		print_cell(table, i, widths[column], file);
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}
