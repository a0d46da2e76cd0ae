/* SPDX-License-Identifier: Apache-2.0 */
/* The command table, the parser, what reaches a terminal, and what `export` writes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "cli/cli.h"
#include "cli/flow_line.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/remote.h"
#include "cli/wg_conf.h"
#include "sys/qr.h"

#define VECTORS "tests/vectors/import/"
#define WORDS(...) ((char *[]){"rnaut", __VA_ARGS__, NULL})

static int parse(char **argv, struct rn_cli *cli, struct rn_err *err)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	err->text[0] = '\0';
	return rn_cli_parse(argc, argv, cli, err);
}

static void test_table(void **state)
{
	(void)state;
	for (const struct rn_command *c = rn_commands; c->words; c++) {
		char words[64], *list[4];
		int count = 0, used = 0;

		snprintf(words, sizeof(words), "%s", c->words);
		for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
			list[count++] = word;
		assert_ptr_equal(rn_cli_find(count, list, &used), c);
		assert_int_equal(used, count);
		assert_non_null(c->run);
		assert_true(c->help[0] && c->min <= c->max && c->max <= RN_CLI_ARGUMENTS_MAX);
		for (const struct rn_option *o = c->options; o->name; o++)
			for (const struct rn_option *p = rn_common_options; p->name; p++)
				assert_string_not_equal(o->name, p->name);
	}
}

/* Every command and every option is in docs/cli.md, which is read where the tests run in the tree. */
static void test_documentation(void **state)
{
	char *text, line[128];

	(void)state;
	if (rn_input_read("docs/cli.md", 1 << 20, &text, NULL) < 0)
		skip();
	for (const struct rn_command *c = rn_commands; c->words; c++) {
		snprintf(line, sizeof(line), "rnaut %s", c->words);
		assert_non_null(strstr(text, line));
		for (const struct rn_option *o = c->options; o->name; o++) {
			snprintf(line, sizeof(line), "--%s", o->name);
			assert_non_null(strstr(text, line));
		}
	}
	free(text);
}

static void test_parse(void **state)
{
	struct rn_cli cli;
	struct rn_err err;

	(void)state;
	assert_int_equal(parse(WORDS("quarantine", "--release", "laptop"), &cli, &err), 0);
	assert_string_equal(cli.arguments[0], "laptop");
	assert_non_null(rn_cli_option(&cli, "release"));
	assert_false(cli.json);
	assert_int_equal(parse(WORDS("quarantine", "laptop", "--release", "--json"), &cli, &err), 0);
	assert_non_null(rn_cli_option(&cli, "release"));
	assert_true(cli.json);
	assert_int_equal(parse(WORDS("--json", "status"), &cli, &err), 0);
	assert_true(cli.json);
	assert_int_equal(parse(WORDS("token", "create", "--tag", "a", "--tag=b", "--type", "iot"), &cli, &err), 0);
	assert_string_equal(rn_cli_option_nth(&cli, "tag", 0), "a");
	assert_string_equal(rn_cli_option_nth(&cli, "tag", 1), "b");
	assert_null(rn_cli_option_nth(&cli, "tag", 2));
	assert_string_equal(rn_cli_option(&cli, "type"), "iot");
	assert_int_equal(parse(WORDS("policy", "check", "-"), &cli, &err), 0);
	assert_string_equal(cli.arguments[0], "-");
	assert_int_equal(parse(WORDS("revoke", "--", "--name"), &cli, &err), 0);
	assert_string_equal(cli.arguments[0], "--name");
	assert_int_equal(parse(WORDS("explain", "a", "b", "tcp", "22"), &cli, &err), 0);
	assert_int_equal(cli.argument_count, 4);
}

static void expect_usage(char **argv, const char *sentence)
{
	struct rn_cli cli;
	struct rn_err err;

	assert_int_equal(parse(argv, &cli, &err), RN_EXIT_USAGE);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void test_usage_errors(void **state)
{
	(void)state;
	expect_usage((char *[]){"rnaut", NULL}, "a command is needed");
	expect_usage(WORDS("stats"), "did you mean status?");
	expect_usage(WORDS("xyzzy"), "rnaut help lists them");
	expect_usage(WORDS("gateway"), "rnaut gateway needs one more word: rnaut help gateway lists them");
	expect_usage(WORDS("policy", "--json"), "rnaut policy needs one more word: rnaut help policy lists them");
	expect_usage(WORDS("policy", "gte"), "there is no command policy gte: did you mean policy get?");
	expect_usage(WORDS("policy", "rollbak", "7"),
		     "there is no command policy rollbak: did you mean policy rollback?");
	expect_usage(WORDS("policy", "import"), "there is no command policy import: rnaut help policy lists them");
	expect_usage(WORDS("policy", "xyzzy"), "there is no command policy xyzzy: rnaut help policy lists them");
	expect_usage(WORDS("status", "--jsn"), "did you mean --json?");
	expect_usage(WORDS("status", "--release"), "has no option --release");
	expect_usage(WORDS("quarantine"), "usage: rnaut quarantine NAME");
	expect_usage(WORDS("quarantine", "a", "b"), "usage: rnaut quarantine NAME");
	expect_usage(WORDS("quarantine", "--release=yes", "a"), "--release takes no value");
	expect_usage(WORDS("up", "--name", "a", "--name", "b"), "--name may be given once");
	expect_usage(WORDS("up", "--token-file"), "--token-file needs a value");
	expect_usage(WORDS("up", "--token-file="), "--token-file needs a value");
	expect_usage(WORDS("explain", "a", "b", "c", "d", "e"), "usage: rnaut explain");
}

static void test_paths(void **state)
{
	static const struct {
		const char *name, *path;
	} cases[] = {
	    {"laptop", "/api/v1/devices/laptop"},
	    {"a b", "/api/v1/devices/a%20b"},
	    {"a/b?c#d", "/api/v1/devices/a%2Fb%3Fc%23d"},
	    {"..", "/api/v1/devices/%2E%2E"},
	    {"a..b", "/api/v1/devices/a..b"},
	    {"\xc3\xa4\r\n", "/api/v1/devices/%C3%A4%0D%0A"},
	    {"100%", "/api/v1/devices/100%25"},
	};
	char out[64], small[20];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(rn_remote_path(out, sizeof(out), RN_PARTS("devices", cases[i].name)), 0);
		assert_string_equal(out, cases[i].path);
	}
	assert_int_equal(rn_remote_path(out, sizeof(out), RN_PARTS("devices", "a", "trust")), 0);
	assert_string_equal(out, "/api/v1/devices/a/trust");
	assert_int_equal(rn_remote_path(small, sizeof(small), RN_PARTS("devices", "abc")), 0);
	assert_int_equal(rn_remote_path(small, sizeof(small), RN_PARTS("devices", "abcd")), -ENAMETOOLONG);
	assert_int_equal(rn_remote_path(small, sizeof(small), RN_PARTS("devices", "/")), 0);
	assert_int_equal(rn_remote_path(small, sizeof(small), RN_PARTS("devices", "//")), -ENAMETOOLONG);
}

static void test_escape(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"plain", "plain"},
	    {"\033[2J\033]0;owned\a", "\\x1b[2J\\x1b]0;owned\\x07"},
	    {"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
	    {"\x7f", "\\x7f"},
	    {"\xc2\x9b"
	     "31m",
	     "\\xc2\\x9b31m"}, /* C1: CSI */
	    {"\x9b"
	     "31m",
	     "\\x9b31m"}, /* the same as a bare byte */
	    {"\xe2\x80\xae"
	     "cod.exe",
	     "\\xe2\\x80\\xaecod.exe"}, /* right-to-left override */
	    {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},
	    {"\xc0\x8a", "\\xc0\\x8a"},			  /* overlong newline */
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},	  /* surrogate */
	    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
	    {"\xe2\x82", "\\xe2\\x82"},			  /* cut */
	    {"gr\xc3\xbc\xc3\x9f"
	     "e \xe2\x82\xac \xf0\x9f\x98\x80",
	     "gr\xc3\xbc\xc3\x9f"
	     "e \xe2\x82\xac \xf0\x9f\x98\x80"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(rn_out_escape(cases[i].in, out, sizeof(out)), cases[i].out);
	/* Any bytes at all: nothing that a terminal obeys comes out, and never half an escape. */
	srand(1);
	for (int round = 0; round < 20000; round++) {
		char in[24], cut[16];
		size_t i;

		for (i = 0; i < sizeof(in) - 1; i++)
			in[i] = (char)(1 + rand() % 255);
		in[i] = '\0';
		rn_out_escape(in, cut, sizeof(cut));
		assert_true(strlen(cut) < sizeof(cut));
		for (i = 0; cut[i]; i++)
			assert_true((unsigned char)cut[i] >= 0x20 && cut[i] != 0x7f);
	}
	assert_int_equal(rn_out_width("gr\xc3\xbc\xc3\x9f"
				      "e"),
			 5);
}

static char *print(void (*draw)(FILE *file, void *context), void *context)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	draw(file, context);
	fclose(file);
	return text;
}

static void draw_table(FILE *file, void *context)
{
	const char *const heads[] = {"NAME", "N", "TEXT"};
	const char *cells[] = {"a\033b", "1", "", "\xc3\xbc", "12345", "last"};
	struct rn_table *table = rn_table_new(heads, 3);

	(void)context;
	for (size_t i = 0; i < 6; i++)
		rn_table_cell(table, cells[i]);
	rn_table_right(table, 1);
	rn_table_print_free(table, file);
}

static void draw_flow(FILE *file, void *context)
{
	rn_flow_line(file, context);
}

static void test_printing(void **state)
{
	static const char event[] =
	    "{\"time\":\"2026-11-22T14:03:07.123456Z\",\"kind\":\"denied\",\"verdict\":\"deny\",\"reason\":\"deny_"
	    "rule\","
	    "\"rule\":\"no-ssh\",\"protocol\":\"tcp\",\"source\":{\"client_id\":\"lap\\u001btop\"},"
	    "\"destination\":{\"client_id\":null,\"virtual_ip\":\"fd00::1\",\"port\":22},\"hub\":\"hub-a\"}";
	struct rn_json *json = rn_json_parse(event, strlen(event), 0, NULL);
	char *text = print(draw_table, NULL);

	(void)state;
	assert_string_equal(text, "NAME        N  TEXT\n"
				  "a\\x1bb      1  -\n"
				  "\xc3\xbc       12345  last\n");
	free(text);
	assert_non_null(json);
	text = print(draw_flow, json);
	assert_string_equal(text, "14:03:07.123 deny  lap\\x1btop -> [fd00::1]:22/tcp      "
				  "  deny_rule by rule no-ssh, on hub-a\n");
	free(text);
	/* Found by tests/fuzz/fuzz_flow_line.c: the time was written as it came. */
	rn_json_free(json);
	json = rn_json_parse("{\"time\":\"\\u001b[2J\"}", 20, 0, NULL);
	assert_non_null(json);
	text = print(draw_flow, json);
	assert_memory_equal(text, "\\x1b[2J ", 8);
	free(text);
	rn_json_free(json);
	json = rn_json_parse("{}", 2, 0, NULL);
	text = print(draw_flow, json);
	assert_non_null(strstr(text, "? -> ?/"));
	free(text);
	rn_json_free(json);
}

static void test_input(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {{"90s", 90}, {"30m", 1800}, {"12h", 43200}, {"7d", 604800}, {"5", 5}};
	static const char *const bad[] = {"", "h", "-1h", "1w", "1hh", "0", "99999999999999999999", "1.5h"};
	int64_t seconds;
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(rn_input_duration(good[i].text, &seconds), 0);
		assert_int_equal(seconds, good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rn_input_duration(bad[i], &seconds), -EINVAL);
	rn_input_host_name(name, sizeof(name));
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
}

static void test_output(void **state)
{
	char path[] = "/tmp/rn-cli-XXXXXX", *text;
	struct rn_output output;
	struct rn_err err = {""};
	struct stat st;
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	assert_int_equal(rn_output_open(path, &output, &err), -EEXIST);
	assert_non_null(strstr(err.text, "exists already"));
	unlink(path);
	assert_int_equal(rn_output_open(path, &output, &err), 0);
	assert_int_equal(rn_output_commit(&output, "secret\n", &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(rn_input_read(path, 7, &text, &err), 0);
	assert_string_equal(text, "secret\n");
	free(text);
	assert_int_equal(rn_input_read(path, 6, &text, &err), -EFBIG);
	unlink(path);
	assert_int_equal(rn_output_open(path, &output, &err), 0);
	assert_int_equal(rn_output_commit(&output, NULL, NULL), -ECANCELED);
	assert_int_equal(stat(path, &st), -1);
	if (access("/dev/full", W_OK) == 0) { /* a full disk */
		struct rn_output full = {open("/dev/full", O_WRONLY), path};

		assert_int_equal(rn_output_commit(&full, "x", &err), -ENOSPC);
		assert_non_null(strstr(err.text, "No space left"));
	}
}

/* --- export --- */

#define KEY "YAnz5TF+lXXJte14tji3zlMNftqL1kFG6Z2LZ3eXmFo="
#define DEVICE                                                                                                         \
	"\"device\":{\"client_id\":\"phone\",\"virtual_ip\":\"fd12:3456:789a::5\",\"virtual_ipv4\":\"100.64.0.5\"}"
#define HUB                                                                                                            \
	"\"hub\":{\"client_id\":\"hub-a\",\"wireguard_public_key\":\"" KEY                                             \
	"\",\"wireguard_endpoint\":\"192.0.2.1:51820\"}"
#define NETWORK "\"network\":{\"prefixes\":[\"fd12:3456:789a::/48\",\"100.64.0.0/16\"],\"mtu\":1372}"

static char *conf(const char *answer)
{
	struct rn_json *json = rn_json_parse(answer, strlen(answer), 0, NULL);
	char *text = json ? rn_wg_conf(json, KEY, NULL) : NULL;

	assert_non_null(json);
	rn_json_free(json);
	return text;
}

static void test_configuration(void **state)
{
	static const char *const hostile[] = {
	    "{" HUB "," NETWORK "}",
	    "{" DEVICE "," NETWORK "}",
	    "{" DEVICE "," HUB "}",
	    "{\"device\":{\"client_id\":\"x\\nPostUp = reboot\",\"virtual_ip\":\"fd00::1\"}," HUB "," NETWORK "}",
	    "{\"device\":{\"client_id\":\"x\",\"virtual_ip\":\"fd00::1\\nPostUp = reboot\"}," HUB "," NETWORK "}",
	    "{\"device\":{\"client_id\":\"x\"}," HUB "," NETWORK "}",
	    "{" DEVICE ",\"hub\":{\"client_id\":\"h\",\"wireguard_public_key\":\"x\","
	    "\"wireguard_endpoint\":\"192.0.2.1:1\"}," NETWORK "}",
	    "{" DEVICE ",\"hub\":{\"client_id\":\"h\",\"wireguard_public_key\":\"" KEY
	    "\",\"wireguard_endpoint\":\"evil.example:1\\nPostUp = x\"}," NETWORK "}",
	    "{" DEVICE "," HUB ",\"network\":{\"prefixes\":[\"fd00::/8\\nPostUp=x\"],\"mtu\":1372}}",
	    "{" DEVICE "," HUB ",\"network\":{\"prefixes\":[1],\"mtu\":1372}}",
	    "{" DEVICE "," HUB ",\"network\":{\"prefixes\":[],\"mtu\":1372}}",
	    "{" DEVICE "," HUB ",\"network\":{\"prefixes\":[\"fd00::/8\"],\"mtu\":5}}",
	    "{" DEVICE "," HUB ",\"network\":{\"prefixes\":[\"fd00::/8\",\"fd00::/8\",\"fd00::/8\",\"fd00::/"
	    "8\",\"fd00::/8\"],\"mtu\":1372}}",
	};
	char *text = conf("{" DEVICE "," HUB "," NETWORK "}");

	(void)state;
	assert_string_equal(text, "# phone, through hub-a\n"
				  "[Interface]\n"
				  "PrivateKey = " KEY "\n"
				  "Address = fd12:3456:789a::5/128, 100.64.0.5/32\n"
				  "MTU = 1372\n"
				  "\n"
				  "[Peer]\n"
				  "PublicKey = " KEY "\n"
				  "Endpoint = 192.0.2.1:51820\n"
				  "AllowedIPs = fd12:3456:789a::/48, 100.64.0.0/16\n"
				  "PersistentKeepalive = 25\n");
	free(text);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		assert_null(conf(hostile[i]));
}

/* wg-quick strip reads the file; what it leaves has only keys that wg setconf knows (wg(8), CONFIGURATION FILE FORMAT).
 */
static void test_stock_tools(void **state)
{
	static const char *const known[] = {"[Interface]",
					    "PrivateKey = ",
					    "[Peer]",
					    "PublicKey = ",
					    "Endpoint = ",
					    "AllowedIPs = ",
					    "PersistentKeepalive = ",
					    "\n",
					    "#"};
	char path[] = "/tmp/rn-wg-XXXXXX", file[64], command[128], line[256];
	char *text = conf("{" DEVICE "," HUB "," NETWORK "}");
	struct rn_output output;
	unsigned lines = 0;
	FILE *pipe;

	(void)state;
	if (access("/usr/bin/wg-quick", X_OK) < 0)
		skip();
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/rnt0.conf", path);
	assert_int_equal(rn_output_open(file, &output, NULL), 0);
	assert_int_equal(rn_output_commit(&output, text, NULL), 0);
	free(text);
	snprintf(command, sizeof(command), "wg-quick strip %s", file);
	pipe = popen(command, "r");
	while (fgets(line, sizeof(line), pipe)) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strncmp(line, known[i], strlen(known[i])) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			fail_msg("wg setconf does not know: %s", line);
		lines++;
	}
	assert_int_equal(pclose(pipe), 0);
	assert_true(lines >= 7);
	unlink(file);
	rmdir(path);
}

static void test_qr(void **state)
{
	char *plain = rn_qr_text("rnaut", 0), *color = rn_qr_text("rnaut", 1), big[8000];

	(void)state;
	assert_non_null(plain);
	assert_non_null(color);
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(color, "\033[40;97m"));
	/* 21 modules (version 1) and the margin: 29 wide, 15 lines, the first of light blocks only. */
	assert_int_equal(strcspn(plain, "\n"), 29 * 3);
	assert_memory_equal(plain, "\u2588\u2588", 6);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_null(rn_qr_text(big, 0));
	free(plain);
	free(color);
}

/* The whole program, as people run it: exit codes and one sentence. */
static void test_exit_codes(void **state)
{
	static const struct {
		char *words[8];
		int code;
	} cases[] = {
	    {{"rnaut", "help"}, 0},
	    {{"rnaut", "help", "--json"}, 0},
	    {{"rnaut", "status", "--help"}, 0},
	    {{"rnaut", "version"}, 0},
	    {{"rnaut", "completion", "--", "rnaut", "policy"}, 0},
	    {{"rnaut", "nonsense"}, 2},
	    {{"rnaut", "trust", "a", "101"}, 2},
	    {{"rnaut", "explain", "a", "b", "tcp"}, 2},
	    {{"rnaut", "explain", "a", "b", "icmp", "1"}, 2},
	    {{"rnaut", "token", "create", "--type", "toaster"}, 2},
	    {{"rnaut", "gateway", "init"}, 2},
	    {{"rnaut", "console", "--role", "root"}, 2},
	    {{"rnaut", "console", "--account", "A b"}, 2},
	    {{"rnaut", "console"}, 4},
	    {{"rnaut", "api-token", "create", "--name", "x"}, 2},
	    {{"rnaut", "api-token", "create", "--name=x", "--role=none"}, 2},
	    {{"rnaut", "api-token", "create", "--name=x", "--role=viewer", "--lifetime=59m"}, 2},
	    {{"rnaut", "api-token", "list"}, 4},
	    {{"rnaut", "api-token", "revoke"}, 2},
	    {{"rnaut", "status"}, 4},
	    {{"rnaut", "devices", "laptop"}, 4},
	    {{"rnaut", "up"}, 4},
	    {{"rnaut", "help", "policy"}, 0},
	    {{"rnaut", "help", "policy", "--json"}, 0},
	    {{"rnaut", "help", "policy", "gte"}, 2},
	    {{"rnaut", "help", "poli"}, 2},
	    {{"rnaut", "help", "policy", "import", "tailscale"}, 0},
	    {{"rnaut", "policy", "import", "tailscale", VECTORS "plain.hujson"}, 0},
	    {{"rnaut", "policy", "import", "tailscale", VECTORS "plain.hujson", "--json"}, 0},
	    {{"rnaut", "policy", "import", "tailscale", VECTORS "tailscale.hujson"}, 6},
	    {{"rnaut", "policy", "import", "tailscale", VECTORS "tailscale.hujson", "--json"}, 6},
	    {{"rnaut", "policy", "import", "tailscale", VECTORS "plain.hujson", "--out", VECTORS "plain.hujson"}, 1},
	    {{"rnaut", "policy", "import", "tailscale", VECTORS "closed.yaml"}, 1},
	    {{"rnaut", "policy", "import", "networkpolicy", VECTORS "closed.yaml"}, 0},
	    {{"rnaut", "policy", "import", "networkpolicy", VECTORS "closed.yaml", VECTORS "networkpolicy.yaml"}, 6},
	    {{"rnaut", "policy", "import", "networkpolicy", VECTORS "none.yaml"}, 1},
	    {{"rnaut", "policy", "import", "networkpolicy"}, 2},
	};
	char directory[] = "/tmp/rn-empty-XXXXXX", path[64];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/conf", directory);
	file = fopen(path, "w");
	fprintf(file, "{\"state_dir\": \"%s/s\", \"run_dir\": \"%s/r\"}", directory, directory);
	fclose(file);
	setenv("RNAUT_CONF", path, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status, count = 0;
		pid_t child;

		while (cases[i].words[count])
			count++;
		fflush(NULL);
		child = fork();
		if (child == 0) {
			assert_non_null(freopen("/dev/null", "w", stdout));
			assert_non_null(freopen("/dev/null", "w", stderr));
			_exit(rn_cli_main(count, (char **)cases[i].words));
		}
		waitpid(child, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].code)
			fail_msg("case %zu (%s): status %d, not %d", i, cases[i].words[1], WEXITSTATUS(status),
				 cases[i].code);
	}
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),	  cmocka_unit_test(test_documentation), cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_usage_errors),  cmocka_unit_test(test_paths),		cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_printing),	  cmocka_unit_test(test_input),		cmocka_unit_test(test_output),
	    cmocka_unit_test(test_configuration), cmocka_unit_test(test_stock_tools),	cmocka_unit_test(test_qr),
	    cmocka_unit_test(test_exit_codes),
	};

	assert_int_equal(rn_crypto_start(), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
