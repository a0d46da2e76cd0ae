/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "tests/vectors/zones.txt"

static struct rn_zone *from_hex(const char *hex)
{
	size_t size = strspn(hex, "0123456789abcdef") / 2;
	uint8_t *bytes = malloc(size);
	struct rn_zone *zone = NULL;
	unsigned byte;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
	assert_int_equal(rn_zone_parse(bytes, size, &zone), 0);
	free(bytes);
	return zone;
}

/* The next line that begins with the word: what follows it; the line is the caller's to free. */
static char *next(FILE *file, char **line, const char *word)
{
	size_t room = 0, size = strlen(word);

	free(*line);
	*line = NULL;
	while (getline(line, &room, file) > 0) {
		if (strncmp(*line, word, size) == 0 && (*line)[size] == ' ')
			return *line + size + 1;
		if (strncmp(*line, "zone ", 5) == 0)
			return *line;
	}
	return NULL;
}

unsigned zone_vectors(const char *word, void (*line)(const struct rn_zone *zone, const char *name, char *text))
{
	char *at = NULL, *text, name[RN_ZONE_NAME_MAX + 1] = "";
	FILE *file = fopen(FILE_NAME, "r");
	struct rn_zone *zone = NULL;
	unsigned count = 0;
	int end = 0;

	assert_non_null(file);
	while ((text = next(file, &at, word))) {
		if (text != at) {
			line(zone, name, text);
			count++;
			continue;
		}
		assert_int_equal(sscanf(text, "zone %63s %n", name, &end), 1);
		rn_zone_free(zone);
		zone = from_hex(text + end);
	}
	free(at);
	rn_zone_free(zone);
	assert_int_equal(fclose(file), 0);
	return count;
}

struct rn_zone *zone_vector(const char *name)
{
	FILE *file = fopen(FILE_NAME, "r");
	struct rn_zone *zone = NULL;
	size_t size = strlen(name);
	char *at = NULL, *text;

	assert_non_null(file);
	while (!zone && (text = next(file, &at, "zone"))) {
		if (strncmp(text, name, size) == 0 && text[size] == ' ')
			zone = from_hex(text + size + 1);
	}
	free(at);
	assert_int_equal(fclose(file), 0);
	assert_non_null(zone);
	return zone;
}
