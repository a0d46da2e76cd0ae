/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_OUT_H
#define RN_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * What reaches a terminal. Text of strangers (names, other hosts' words) never carries a control character: C0, DEL,
 * C1, the directional marks of Unicode and what is not UTF-8 are written as \xNN.
 */
/* Escapes at most size - 1 bytes into out, whole characters only; returns out. size at least 5. */
char *rn_out_escape(const char *text, char *out, size_t size);
void rn_out_text(FILE *file, const char *text);
/* Columns that escaped UTF-8 text takes, a column a character. */
size_t rn_out_width(const char *text);

/* Colours: only on a terminal, never with NO_COLOR set (no-color.org) or TERM=dumb. */
bool rn_out_color(FILE *file);
enum rn_paint { RN_PAINT_NONE, RN_PAINT_GOOD, RN_PAINT_BAD, RN_PAINT_DIM };
void rn_out_painted(FILE *file, enum rn_paint paint, const char *text);

/* Rows of aligned columns; cells are copied and escaped. */
struct rn_table;
struct rn_table *rn_table_new(const char *const headings[], unsigned columns); /* NULL: out of memory */
void rn_table_cell(struct rn_table *table, const char *text);		       /* NULL or "": a dash */
void rn_table_right(struct rn_table *table, unsigned column);		       /* numbers stand at the right */
void rn_table_print_free(struct rn_table *table, FILE *file);		       /* NULL: says that memory ran out */

#endif
