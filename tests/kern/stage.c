/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/local.h"
#include "sys/netlink.h"

#define STATE "/var/lib/rnaut/state"
#define CONF "/run/rnaut.conf"
#define CORE_UID 6301
#define KERN_UID 6303
#define WAIT_MS (getenv("RN_IN_VM") ? 60000 : 5000)

static struct stage *the_stage; /* once its processes may run */
uint32_t stage_epoch = 1;
bool stage_syncing;

static void reap(pid_t *pid, int number)
{
	if (*pid <= 0)
		return;
	kill(*pid, number);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	if (the_stage) { /* the processes have other users: what we started must be ended by us */
		reap(&the_stage->kern_pid, SIGKILL);
		reap(&the_stage->wireguard_pid, SIGKILL);
	}
	printf("cannot set the stage: %s: %s\n0 passed, 1 failed\n", what, strerror(errno));
	exit(1);
}

static const char *rnautd(void)
{
	const char *path = getenv("RNAUTD");

	return path ? path : "build/out/rnautd";
}

int stage_run(const char *program, const char *const *argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(program, (char *const *)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t start(const char *process)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* until it drops its user; the namespace's end does the rest */
		execl(rnautd(), rnautd(), process, (char *)NULL);
		_exit(127);
	}
	return pid;
}

int stage_rnautd(const char *process, const char *argument, char *out, size_t out_size)
{
	int pipes[2], status = 0;
	ssize_t n = 0;
	pid_t pid;

	must(pipe(pipes) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], 2);
		execl(rnautd(), rnautd(), process, argument, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	for (size_t at = 0; at < out_size - 1; at += n) {
		n = read(pipes[0], out + at, out_size - 1 - at);
		if (n <= 0) {
			out[at] = '\0';
			break;
		}
	}
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void append_users(const char *from, const char *to, bool group)
{
	static const char *const names[] = {"core", "net", "kern", "ca"};
	char text[65536];
	size_t size = 0;
	FILE *out = fopen(to, "w");

	must(out && rn_file_read(from, text, sizeof(text), &size) == 0, from);
	fwrite(text, 1, size, out);
	for (int i = 0; i < 4; i++) {
		if (group)
			fprintf(out, "rnaut-%s:x:%d:\n", names[i], CORE_UID + i);
		else
			fprintf(out, "rnaut-%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n", names[i], CORE_UID + i,
				CORE_UID + i);
	}
	fclose(out);
	must(mount(to, from, NULL, MS_BIND, NULL) == 0, from);
}

static void make_host(void)
{
	static const char *const up[] = {"ip", "link", "set", "lo", "up", NULL};

	must(unshare(CLONE_NEWNS | CLONE_NEWNET) == 0, "unshare; this test needs root");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
	must(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0, "/run");
	must(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=0755") == 0, "/var/lib");
	must(mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") == 0, "/sys/fs/bpf");
	append_users("/etc/passwd", "/run/passwd", false);
	append_users("/etc/group", "/run/group", true);
	must(stage_run("ip", up) == 0, "lo");
}

void stage_conf(const char *wireguard)
{
	char conf[200];

	snprintf(conf, sizeof(conf),
		 "{\"interface\": \"" STAGE_INTERFACE
		 "\", \"wireguard_port\": 51999, \"wireguard\": \"%s\", \"log_level\": \"%s\"}",
		 wireguard, getenv("VERBOSE") ? "debug" : "error");
	must(rn_file_write(CONF, conf, strlen(conf), 0644) == 0, CONF);
}

bool stage_kernel_has_wireguard(void)
{
	struct rn_netlink *n = rn_netlink_new();
	struct rn_link link;
	int r = rn_netlink_wireguard_new(n, "rnkprobe");

	if (r == 0 && rn_netlink_link(n, "rnkprobe", &link) == 0)
		rn_netlink_link_delete(n, link.index);
	rn_netlink_free(n);
	return r == 0;
}

void stage_self(struct stage *s)
{
	struct rn_self self = {.device = s->self, .hub = s->hub, .kind = s->is_hub ? RN_KIND_GATEWAY : RN_KIND_DESKTOP};
	struct rn_anchor anchor = {.epoch = 1};
	uint8_t data[RN_ANCHOR_SIZE];

	self.gateway = s->is_hub;
	snprintf(self.name, sizeof(self.name), "stage");
	memset(self.upstream_key, 7, sizeof(self.upstream_key));
	rn_endpoint_parse("192.0.2.1:51821", &self.upstream);
	rn_ed25519_public(s->root, anchor.root_public);
	rn_ed25519_public(s->policy, anchor.policy_public);
	rn_anchor_put(&anchor, s->root, data);
	must(rn_self_write(STATE, &self, data, NULL) == 0, "self.json");
}

static void make_state(struct stage *s)
{
	uint8_t key[RN_KEY_SIZE], public[RN_KEY_SIZE];

	must(mkdir("/var/lib/rnaut", 0755) == 0 && mkdir(STATE, 0755) == 0 && mkdir(STATE "/kern", 0700) == 0 &&
		 mkdir("/run/rnaut", 0755) == 0 && chown("/run/rnaut", CORE_UID, CORE_UID) == 0 &&
		 chown(STATE "/kern", KERN_UID, KERN_UID) == 0,
	     "directories");
	rn_random(s->root, sizeof(s->root));
	rn_random(s->policy, sizeof(s->policy));
	stage_self(s);
	rn_x25519_keypair(public, key);
	must(rn_file_write(STATE "/kern/wireguard.key", key, sizeof(key), 0600) == 0 &&
		 chown(STATE "/kern/wireguard.key", KERN_UID, KERN_UID) == 0,
	     "wireguard.key");
	stage_conf("auto");
	must(setenv("RNAUT_CONF", CONF, 1) == 0, CONF);
}

static void listen_as_core(struct stage *s)
{
	struct rn_err err = {""};

	must(setegid(CORE_UID) == 0 && seteuid(CORE_UID) == 0, "core's uid");
	s->listener = rn_local_listen("/run/rnaut/ipc.sock", &err);
	must(seteuid(0) == 0 && setegid(0) == 0, "root again");
	must(s->listener >= 0, err.text);
}

void stage_open(struct stage *s, bool hub, uint32_t self, uint32_t hub_number)
{
	*s = (struct stage){.self = self, .hub = hub_number, .is_hub = hub, .listener = -1, .kern = -1};
	stage_epoch = 1;
	make_host();
	make_state(s);
	listen_as_core(s);
}

void stage_wireguard_start(struct stage *s)
{
	the_stage = s;
	s->wireguard_pid = start("wireguard");
}

void stage_wireguard_kill(struct stage *s)
{
	reap(&s->wireguard_pid, SIGKILL);
}

static void wait_readable(int fd, int64_t ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, ms);
}

void stage_kern_start(struct stage *s)
{
	uid_t uid = 0;

	s->kern_pid = start("kern");
	wait_readable(s->listener, WAIT_MS);
	s->kern = rn_local_accept(s->listener, &uid);
	must(s->kern >= 0 && uid == KERN_UID, "kern did not come");
	must(stage_expect(s, RN_LOCAL_KERN_HELLO), "kern's hello");
}

void stage_kern_kill(struct stage *s)
{
	reap(&s->kern_pid, SIGKILL);
	if (s->kern >= 0)
		close(s->kern);
	s->kern = -1;
}

void stage_close(struct stage *s)
{
	char line[512];

	reap(&s->kern_pid, SIGTERM);
	stage_rnautd("kern", "--remove", line, sizeof(line));
	reap(&s->wireguard_pid, SIGKILL);
	close(s->kern);
	close(s->listener);
}

void stage_send(struct stage *s, const struct rn_local *message)
{
	must(rn_local_send(s->kern, message) == 0, "sending to kern");
}

void stage_say(struct stage *s, enum rn_local_type type, uint32_t number, uint64_t version)
{
	stage_send(s, &(struct rn_local){.type = type, .number = number, .version = version});
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* The next message that is not events: its type, 0 where none came. */
static enum rn_local_type next(struct stage *s)
{
	int64_t deadline = now_ms() + WAIT_MS;

	while (now_ms() < deadline) {
		int r = rn_local_receive(s->kern, s->buffer, &s->message);

		if (r == 1 && s->message.type != RN_LOCAL_KERN_EVENTS)
			return s->message.type;
		if (r == 1)
			s->events += s->message.block_size / sizeof(struct rn_event);
		else if (r == -EAGAIN)
			wait_readable(s->kern, deadline - now_ms());
		else
			break;
	}
	return 0;
}

bool stage_expect(struct stage *s, enum rn_local_type type)
{
	enum rn_local_type found;

	do {
		found = next(s);
	} while (found != type && found == RN_LOCAL_KERN_STATUS);
	return found == type;
}

static void say_end(struct stage *s)
{
	int status = 0;

	if (waitpid(s->kern_pid, &status, WNOHANG) != s->kern_pid)
		return;
	printf("kern has ended: %s %d\n", WIFSIGNALED(status) ? "signal" : "status",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

bool stage_record(struct stage *s, const uint8_t *data, size_t size)
{
	struct rn_record_head head = {0};
	enum rn_local_type answer;

	stage_send(s, &(struct rn_local){.type = RN_LOCAL_KERN_RECORD, .block = data, .block_size = size});
	if (stage_syncing)
		return true;
	rn_record_head(data, size, &head);
	stage_say(s, RN_LOCAL_KERN_SYNCED, head.epoch, head.version);
	answer = next(s);
	if (answer == RN_LOCAL_KERN_APPLIED)
		return true;
	if (answer == RN_LOCAL_KERN_REFUSED && next(s) == RN_LOCAL_KERN_APPLIED)
		return false;
	say_end(s);
	must(false, "kern neither applied nor refused a record");
	return false;
}

static struct rn_record_head head_of(enum rn_record_type type, uint64_t version)
{
	return (struct rn_record_head){type, stage_epoch, version, time(NULL)};
}

bool stage_network(struct stage *s, uint64_t version, uint32_t lease_seconds)
{
	struct rn_record_head head = head_of(RN_RECORD_NETWORK, version);
	struct rn_network network = {.lease_seconds = lease_seconds};
	uint8_t data[512];
	int size;

	rn_prefix_parse("fd00:77::/64", &network.ipv6);
	rn_prefix_parse("10.77.0.0/16", &network.ipv4);
	size = rn_record_put_network(&head, &network, s->policy, data, sizeof(data));
	must(size > 0, "network record");
	return stage_record(s, data, size);
}

bool stage_device(struct stage *s, uint64_t version, const struct rn_device_record *device)
{
	struct rn_record_head head = head_of(RN_RECORD_DEVICE, version);
	uint8_t data[2048];
	int size = rn_record_put_device(&head, device, s->policy, data, sizeof(data));

	must(size > 0, "device record");
	return stage_record(s, data, size);
}

bool stage_policy(struct stage *s, uint64_t version, const struct rn_policy_record *policy)
{
	static uint8_t data[RN_RECORD_SIZE_MAX];
	struct rn_record_head head = head_of(RN_RECORD_POLICY, version);
	int size = rn_record_put_policy(&head, policy, s->policy, data, sizeof(data));

	must(size > 0, "policy record");
	return stage_record(s, data, size);
}

struct rn_device_record stage_device_of(const struct stage *s, uint32_t number)
{
	struct rn_device_record d = {
	    .number = number,
	    .hub = s->hub,
	    .owner = 1,
	    .identity = 1,
	    .kind = number == s->hub ? RN_KIND_GATEWAY : RN_KIND_DESKTOP,
	    .flags = RN_DEVICE_MANAGED,
	    .trust = 50,
	    .selectors = {1},
	    .selector_count = 1,
	};
	char text[RN_ADDR_TEXT];

	snprintf(d.name, sizeof(d.name), "device-%u", number);
	snprintf(d.owner_name, sizeof(d.owner_name), "alice");
	memset(d.noise_key, number, sizeof(d.noise_key));
	memset(d.wireguard_key, 0x40 + number, sizeof(d.wireguard_key));
	snprintf(text, sizeof(text), "fd00:77::%x", number);
	rn_addr_parse(text, &d.ipv6);
	snprintf(text, sizeof(text), "10.77.0.%u", number);
	rn_addr_parse(text, &d.ipv4);
	if (number == s->hub) {
		rn_endpoint_parse("192.0.2.1:51820", &d.wireguard);
		rn_endpoint_parse("192.0.2.1:51821", &d.control);
	}
	return d;
}
