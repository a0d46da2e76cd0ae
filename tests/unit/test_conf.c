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

#include "base/crypto.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/sandbox.h"

static char directory[] = "/tmp/rn-conf-XXXXXX";
static char path[64];

static int load(const char *text, struct rn_conf *conf, struct rn_err *err)
{
	*err = (struct rn_err){""};
	assert_int_equal(rn_file_write(path, text, strlen(text), 0644), 0);
	return rn_conf_load(path, conf, err);
}

static void test_defaults_and_values(void **state)
{
	struct rn_conf conf;
	struct rn_err err;

	(void)state;
	assert_int_equal(load("// nothing\n{}", &conf, &err), 0);
	assert_string_equal(conf.interface, "rn0");
	assert_string_equal(conf.state_dir, "/var/lib/rnaut");
	assert_true(conf.mtu == 1372 && conf.wireguard_port == 51820 && conf.control_port == 51821);
	assert_true(conf.mesh_port == 51822);
	assert_string_equal(conf.mesh_interface, "rnm0");
	assert_int_equal(load("{\"mesh_port\": 7, \"mesh_interface\": \"mesh\"}", &conf, &err), 0);
	assert_true(conf.mesh_port == 7);
	assert_string_equal(conf.mesh_interface, "mesh");
	assert_int_equal(
	    load("{\"mtu\": \"auto\", \"interface\": \"rn7\", \"wireguard\": \"userspace\",}", &conf, &err), 0);
	assert_true(conf.mtu == 1372);
	assert_string_equal(conf.interface, "rn7");
	assert_int_equal(load("{\"mtu\": 1400, \"log_level\": \"debug\"}", &conf, &err), 0);
	assert_true(conf.mtu == 1400 && conf.log_level == 7);
}

static void test_mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
	    {"{\n  \"wiregaurd_port\": 1\n}", "line 2"},
	    {"{\n  \"wiregaurd_port\": 1\n}", "wireguard_port"},
	    {"{\"wireguard_port\": 0}", "wireguard_port"},
	    {"{\"wireguard_port\": 65536}", "wireguard_port"},
	    {"{\"wireguard_port\": 51821}", "differ"},
	    {"{\"wireguard_port\": 51822}", "mesh_port"},
	    {"{\"mesh_port\": 51821}", "mesh_port"},
	    {"{\"mesh_port\": 0}", "mesh_port"},
	    {"{\"mesh_interface\": \"rn0\"}", "differ"},
	    {"{\"mesh_interface\": \"\"}", "mesh_interface"},
	    {"{\"mtu\": 100}", "mtu"},
	    {"{\"mtu\": \"big\"}", "mtu"},
	    {"{\"interface\": \"a/b\"}", "interface"},
	    {"{\"interface\": \"0123456789abcdef\"}", "interface"},
	    {"{\"interface\": \"\"}", "interface"},
	    {"{\"wireguard\": \"maybe\"}", "wireguard"},
	    {"{\"state_dir\": \"relative\"}", "state_dir"},
	    {"{\"log_level\": \"loud\"}", "log_level"},
	    {"{", "line 1"},
	    {"[]", "object"},
	    {"{\"mtu\": 1400, \"mtu\": 1400}", "mtu"},
	};
	struct rn_conf conf = {.mtu = 4711};
	struct rn_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(load(table[i].text, &conf, &err), -EINVAL);
		assert_true(strncmp(err.text, path, strlen(path)) == 0);
		assert_non_null(strstr(err.text, table[i].says));
	}
	assert_int_equal(conf.mtu, 4711);
	assert_int_equal(rn_conf_load("/nonexistent/rnaut.conf", &conf, &err), -ENOENT);
}

static struct rn_conf state_conf(void)
{
	struct rn_conf conf = {0};

	snprintf(conf.state_dir, sizeof(conf.state_dir), "%s", directory);
	return conf;
}

static void make_state(struct rn_self *self, uint8_t anchor[RN_ANCHOR_SIZE], const char *state)
{
	struct rn_anchor keys = {.epoch = 3};
	uint8_t seed[RN_KEY_SIZE] = {1};

	*self = (struct rn_self){.device = 4, .hub = 1, .kind = RN_KIND_SERVER, .name = "db"};
	memset(self->upstream_key, 9, sizeof(self->upstream_key));
	assert_int_equal(rn_endpoint_parse("[2001:db8::1]:51821", &self->upstream), 0);
	self->upstream_shared = 51820;
	rn_ed25519_public(seed, keys.root_public);
	rn_anchor_put(&keys, seed, anchor);
	assert_int_equal(rn_self_write(state, self, anchor, NULL), 0);
}

static void spoil(const char *state, const char *name, const char *text)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", state, name);
	assert_int_equal(rn_file_write(file, text, strlen(text), 0644), 0);
}

static void expect(int code, const char *word)
{
	struct rn_conf conf = state_conf();
	struct rn_anchor anchor;
	struct rn_self self;
	struct rn_err err = {""};

	assert_int_equal(rn_self_load(&conf, &self, &anchor, &err), code);
	if (word)
		assert_non_null(strstr(err.text, word));
}

static void test_self(void **unused)
{
	struct rn_conf conf = state_conf();
	struct rn_self self, found;
	struct rn_anchor anchor;
	uint8_t data[RN_ANCHOR_SIZE];
	char state[64], file[128];

	(void)unused;
	snprintf(state, sizeof(state), "%s/state", directory);
	expect(-ENOENT, "gateway init");
	assert_int_equal(mkdir(state, 0755), 0);
	make_state(&self, data, state);
	assert_int_equal(rn_self_load(&conf, &found, &anchor, NULL), 0);
	assert_true(found.device == 4 && found.hub == 1 && found.kind == RN_KIND_SERVER && !found.gateway);
	assert_string_equal(found.name, "db");
	assert_memory_equal(found.upstream_key, self.upstream_key, RN_KEY_SIZE);
	assert_true(found.upstream.port == 51821 && found.upstream_shared == 51820);
	assert_int_equal(anchor.epoch, 3);
	spoil(state, "format", "2\n");
	expect(-EPROTONOSUPPORT, "newer");
	spoil(state, "format", "x\n");
	expect(-EBADMSG, "damaged");
	spoil(state, "format", "1\n");
	spoil(state, "self.json", "{\"device\": 1, \"devise\": 2}");
	expect(-EBADMSG, "devise");
	make_state(&self, data, state);
	spoil(state, "anchor", "short");
	expect(-EBADMSG, "anchor");
	make_state(&self, data, state);
	snprintf(file, sizeof(file), "%s/anchor", state);
	assert_int_equal(chmod(file, 0666), 0);
	expect(-EPERM, "chmod");
	make_state(&self, data, state);
	expect(0, NULL);
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 12345, 12345), 0);
		expect(-EPERM, "chown");
	}
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"anchor", "format", "self.json"};

		snprintf(file, sizeof(file), "%s/%s", state, names[i]);
		unlink(file);
	}
	rmdir(state);
}

static void test_lists_are_short(void **state)
{
	(void)state;
	for (int p = RN_PROCESS_CORE; p <= RN_PROCESS_CA; p++) {
		const char *const *calls = rn_sandbox_calls(p);
		unsigned count = 0;

		assert_non_null(calls);
		for (; calls[count]; count++) {
			for (unsigned i = 0; i < count; i++)
				assert_string_not_equal(calls[i], calls[count]);
			assert_string_not_equal(calls[count], "execve");
			assert_string_not_equal(calls[count], "ptrace");
			assert_string_not_equal(calls[count], "setuid");
		}
		assert_in_range(count, 10, 60);
	}
	assert_null(rn_sandbox_calls(RN_PROCESS_CLI));
}

static void test_files(void **state)
{
	char file[64], link[64], data[8];
	size_t size;

	(void)state;
	snprintf(file, sizeof(file), "%s/f", directory);
	snprintf(link, sizeof(link), "%s/l", directory);
	assert_int_equal(rn_file_write(file, "12345678", 8, 0600), 0);
	assert_int_equal(rn_file_read(file, data, 8, &size), 0);
	assert_int_equal(rn_file_read(file, data, 7, &size), -EFBIG);
	assert_int_equal(rn_file_read_exact(file, data, 7), -EBADMSG);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(rn_file_read(link, data, 8, &size), -ELOOP);
	assert_int_equal(rn_file_read(directory, data, 8, &size), -EINVAL);
	assert_int_equal(rn_file_write("/dev/full/x", "1", 1, 0600), -ENOTDIR);
	unlink(file);
	unlink(link);
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/rnaut.conf", directory);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults_and_values),
	    cmocka_unit_test(test_mistakes_are_named),
	    cmocka_unit_test(test_self),
	    cmocka_unit_test(test_lists_are_short),
	    cmocka_unit_test(test_files),
	};

	rn_crypto_start();
	return cmocka_run_group_tests(tests, begin, end);
}
