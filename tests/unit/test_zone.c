/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/zone.h"

#define SUMMER 1782900000 /* 2026-07-01 */

/* A directory of zones made here. */
static char top[] = "/tmp/rn-zones-XXXXXX";

static void put(const char *name, const void *bytes, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* TZif of version 2 with one local time, hours east, and nothing else. */
static void put_zone(const char *name, int hours)
{
	static const uint8_t header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
	uint8_t bytes[2 * (44 + 10) + 2] = {0};
	uint32_t offset = (uint32_t)(hours * 3600);

	for (int i = 0; i < 2; i++) {
		memcpy(bytes + (size_t)i * 54, header, sizeof(header));
		for (int k = 0; k < 4; k++)
			bytes[(size_t)i * 54 + 44 + (size_t)k] = (uint8_t)(offset >> (24 - 8 * k));
		memcpy(bytes + (size_t)i * 54 + 50, "ABC", 4);
	}
	memcpy(bytes + 108, "\n\n", 2);
	put(name, bytes, sizeof(bytes));
}

static void make_link(const char *target, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(symlink(target, path), 0);
}

static int make(void **state)
{
	static const char names[] = "# version x\nR C 1916 o - Jun 14 23s 1 S\nZ Area/Town 1 - X\n1 C CE%sT\n"
				    "L Area/Town Town\nL Area\nZ\n\nZ Area/Village 1 - X";
	static uint8_t big[RN_ZONE_FILE_MAX + 1];
	char path[128];

	if (!mkdtemp(top))
		return -1;
	snprintf(path, sizeof(path), "%s/Area", top);
	assert_int_equal(mkdir(path, 0755), 0);
	put_zone("Area/Town", 5);
	put("tzdata.zi", names, sizeof(names) - 1);
	put("Text", "not a zone", 10);
	put("Big", big, sizeof(big));
	make_link("Area/Town", "Town");
	make_link("../Area/Town", "Area/Other");
	make_link("/usr/share/zoneinfo/Europe/Vienna", "Absolute");
	make_link("../../../usr/share/zoneinfo/Europe/Vienna", "Out");
	make_link("Ring", "Ring");
	snprintf(path, sizeof(path), "%s/Fifo", top);
	assert_int_equal(mkfifo(path, 0644), 0);
	*state = rn_zone_cache_new(top);
	return *state ? 0 : -1;
}

static int clean(void **state)
{
	char command[64];

	rn_zone_cache_free(*state);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static int32_t offset(struct rn_zone_cache *cache, const char *name)
{
	const struct rn_zone *zone = NULL;
	struct rn_err err = {""};

	if (rn_zone_get(cache, name, &zone, &err) < 0)
		fail_msg("%s", err.text);
	return rn_zone_span(zone, SUMMER).offset;
}

static void test_host(void **state)
{
	struct rn_zone_cache *cache = rn_zone_cache_new(NULL);
	const struct rn_zone *first;

	(void)state;
	assert_int_equal(offset(cache, "Europe/Vienna"), 7200);
	assert_int_equal(offset(cache, "America/Argentina/Ushuaia"), -10800);
	assert_int_equal(offset(cache, "Etc/GMT+12"), -12 * 3600);
	assert_int_equal(offset(cache, "UTC"), 0);
	first = rn_zone_find(cache, "Europe/Vienna");
	assert_non_null(first);
	assert_ptr_equal(rn_zone_find(cache, "Europe/Vienna"), first);
	rn_zone_cache_free(cache);
	rn_zone_cache_free(NULL);
}

static void test_links(void **state)
{
	assert_int_equal(offset(*state, "Area/Town"), 5 * 3600);
	assert_int_equal(offset(*state, "Town"), 5 * 3600);
	assert_int_equal(offset(*state, "Area/Other"), 5 * 3600);
}

static void test_forget(void **state)
{
	put_zone("Area/New", 1);
	assert_int_equal(offset(*state, "Area/New"), 3600);
	put_zone("Area/New", 2);
	assert_int_equal(offset(*state, "Area/New"), 3600);
	rn_zone_cache_forget(*state);
	assert_int_equal(offset(*state, "Area/New"), 7200);
	/* What was not there is asked for again. */
	assert_null(rn_zone_find(*state, "Area/Late"));
	put_zone("Area/Late", 3);
	assert_int_equal(offset(*state, "Area/Late"), 3 * 3600);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		int error;
		const char *says;
	} table[] = {
	    {"", -EINVAL, "is no name of a time zone"},
	    {"/etc/passwd", -EINVAL, "is no name of a time zone"},
	    {"../Area/Town", -EINVAL, "is no name of a time zone"},
	    {"Area//Town", -EINVAL, "is no name of a time zone"},
	    {"Area/Town/", -EINVAL, "is no name of a time zone"},
	    {"Area/T wn", -EINVAL, "is no name of a time zone"},
	    {"./Town", -EINVAL, "is no name of a time zone"},
	    {"tzdata.zi", -EINVAL, "is no name of a time zone"},
	    {"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL, "is no name of a time zone"},
	    {"Area", -EINVAL, "is no file of one"},
	    {"Text", -EINVAL, "is no file of one"},
	    {"Big", -EINVAL, "is no file of one"},
	    {"Fifo", -EINVAL, "is no file of one"},
	    {"Absolute", -EINVAL, "is a link out of"},
	    {"Out", -EINVAL, "is a link out of"},
	    {"Ring", -EINVAL, "is a link out of"},
	    {"Area/Tovn", -ENOENT, "did you mean \"Area/Town\"?"},
	    {"area/town", -ENOENT, "did you mean \"Area/Town\"?"},
	    {"Village", -ENOENT, "did you mean \"Area/Village\"?"},
	    {"Text/Town", -ENOENT, "zones are named as in"},
	    {"Elsewhere", -ENOENT, "zones are named as in"},
	};
	const struct rn_zone *zone;
	struct rn_err err;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		err.text[0] = '\0';
		if (rn_zone_get(*state, table[i].name, &zone, &err) != table[i].error ||
		    !strstr(err.text, table[i].says))
			fail_msg("%s: %s", table[i].name, err.text);
		assert_null(rn_zone_find(*state, table[i].name));
	}
}

static void test_without_tzdata(void **state)
{
	struct rn_zone_cache *cache = rn_zone_cache_new("/nowhere");
	const struct rn_zone *zone;
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(offset(cache, "UTC"), 0);
	assert_int_equal(rn_zone_get(cache, "Europe/Vienna", &zone, &err), -ENOENT);
	assert_non_null(strstr(err.text, "install the package tzdata"));
	rn_zone_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_host),    cmocka_unit_test(test_links),	   cmocka_unit_test(test_forget),
	    cmocka_unit_test(test_refused), cmocka_unit_test(test_without_tzdata),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
