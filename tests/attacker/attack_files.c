/* SPDX-License-Identifier: Apache-2.0 */
/* What a captured process may still try with the calls that it has: files, other processes' memory, sockets, what it
 * was given. */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "attacker.h"

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* state/OWN/... is what this process has itself. */
static bool is_own(const struct inside *inside, const char *name)
{
	size_t size = strlen(inside->process);

	return strncmp(name, inside->process, size) == 0 && (name[size] == '/' || !name[size]);
}

static unsigned read_or_write(const struct inside *inside)
{
	static const char *const names[] = {"core/core.db",
					    "core/policy.key",
					    "core/box.key",
					    "core/core.db-wal",
					    "core/flows.ring",
					    "kern/wireguard.key",
					    "kern/floor.bin",
					    "kern/revoked.bin",
					    "ca/issuing.key",
					    "ca/issuing.der",
					    "ca/journal",
					    "root/root.key",
					    "web/tls.key",
					    "web/tls.pem",
					    "net/noise.key",
					    "console/ca.key",
					    "console/names",
					    "core",
					    "kern",
					    "ca",
					    "root",
					    "web",
					    "net",
					    "console"};
	static const char *const roots[] = {"/sys/fs/bpf/rnaut/rn_devices",
					    "/sys/fs/bpf/rnaut/rn_rules",
					    "/sys/fs/bpf/rnaut",
					    "/dev/net/tun",
					    "/dev/mem",
					    "/etc/shadow"};
	char path[256];
	unsigned good = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/var/lib/rnaut/state/%s", names[i]);
		if (is_own(inside, names[i]))
			continue;
		if (opens(path, O_RDONLY) || opens(path, O_RDWR) || opens(path, O_WRONLY | O_APPEND)) {
			said("could open %s", path);
			good++;
		}
	}
	for (unsigned i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (opens(roots[i], O_RDONLY) || opens(roots[i], O_RDWR)) {
			said("could open %s", roots[i]);
			good++;
		}
	}
	return good;
}

static void others_files(const struct inside *inside, char **words, int count)
{
	static const char *const written[] = {"/var/lib/rnaut/state/format",
					      "/var/lib/rnaut/state/anchor",
					      "/var/lib/rnaut/state/self.json",
					      "/var/lib/rnaut/state/console-ca.pem",
					      "/var/lib/rnaut/state/new",
					      "/var/lib/rnaut/new",
					      "/etc/rnaut/rnaut.conf",
					      "/etc/passwd",
					      "/run/rnaut/new",
					      "/usr/local/sbin/rnautd"};
	/* Calls that end web have an attack of their own. */
	const bool may_rename = strcmp(inside->process, "net") == 0;
	unsigned good = read_or_write(inside);

	(void)words;
	(void)count;
	for (unsigned i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		if (opens(written[i], O_WRONLY | O_CREAT) ||
		    (may_rename &&
		     (unlink(written[i]) == 0 || rename(written[i], "/var/lib/rnaut/state/net/x") == 0))) {
			said("could change %s", written[i]);
			good++;
		}
	}
	said("%u files of others", good);
}

static void others_memory(const struct inside *inside, char **words, int count)
{
	static const char *const names[] = {"mem", "environ", "maps", "fd/3", "root/etc/passwd", "exe", "auxv"};
	const int self = getpid();
	char path[64];
	unsigned good = 0, seen = 0;

	(void)inside;
	(void)words;
	(void)count;
	for (int pid = 1; pid < 4096; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if (pid == self || !opens(path, O_RDONLY))
			continue;
		seen++;
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
			if (opens(path, O_RDONLY) || opens(path, O_RDWR)) {
				said("could open %s", path);
				good++;
			}
		}
	}
	said("%u of the memory of %s processes", good, seen > 3 ? "many" : "too few");
}

#define SHORT_NAME 13

static bool connects(const char *path, size_t length, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;
	bool good;

	/* A longer one ends the process: attack_calls.c. */
	if (length > SHORT_NAME)
		return false;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(address.sun_path, path, length);
	good = fd >= 0 && connect(fd, (const struct sockaddr *)&address,
				  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0;
	close(fd);
	return good;
}

/* Every name of /proc/net/unix, those without a file ("@...") too, and what is known to be there. */
static void others_sockets(const struct inside *inside, char **words, int count)
{
	static const char *const known[] = {"api.sock", "./api.sock", "/run/systemd", "/var/run/nscd"};
	static char text[65536];
	int fd = open("/proc/net/unix", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	unsigned good = 0;

	(void)inside;
	(void)words;
	(void)count;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (connects(known[i], strlen(known[i]), SOCK_STREAM)) {
			said("could connect to %s", known[i]);
			good++;
		}
	}
	for (char *line = size > 0 ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n")) {
		char *name = strchr(line, '@'), bytes[108] = "";

		if (!name || strlen(name) >= sizeof(bytes))
			continue;
		memcpy(bytes, name, strlen(name));
		bytes[0] = '\0';
		if (connects(bytes, strlen(name), SOCK_STREAM) || connects(bytes, strlen(name), SOCK_DGRAM) ||
		    connects(bytes, strlen(name), SOCK_SEQPACKET)) {
			said("could connect to %s", name);
			good++;
		}
	}
	said("%u sockets of others", good);
}

static const char *kind_of(int fd, const struct stat *st)
{
	int domain = -1, type = -1;
	socklen_t size = sizeof(domain);

	if (!S_ISSOCK(st->st_mode))
		return S_ISDIR(st->st_mode)    ? "directory"
		       : S_ISREG(st->st_mode)  ? "file"
		       : S_ISCHR(st->st_mode)  ? "device"
		       : S_ISFIFO(st->st_mode) ? "pipe"
					       : "anonymous";
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	size = sizeof(type);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	if (domain == AF_UNIX)
		return "unix socket";
	if (domain != AF_INET && domain != AF_INET6)
		return "other socket";
	return type == SOCK_DGRAM ? "udp" : type == SOCK_STREAM ? "tcp" : "raw";
}

/* What it was given: listed, and whether more can be had of any than it is for. */
static void descriptors(const struct inside *inside, char **words, int count)
{
	struct stat st;
	char what[64];

	(void)inside;
	(void)words;
	(void)count;
	for (int fd = 0; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) < 0 || fstat(fd, &st) < 0)
			continue;
		snprintf(what, sizeof(what), "descriptor %s", kind_of(fd, &st));
		said("%s %d flags %o", what, fd, (unsigned)fcntl(fd, F_GETFL));
		/* A log that can be cut, a device that is a terminal, a directory to go out from. */
		if (ioctl(fd, TIOCSTI, "x") == 0)
			said("descriptor %d takes key strokes", fd);
		if (openat(fd, "..", O_RDONLY) >= 0)
			said("descriptor %d is a way out", fd);
	}
}

const struct attack attack_files[] = {
    {"others_files", others_files},
    {"others_memory", others_memory},
    {"others_sockets", others_sockets},
    {"descriptors", descriptors},
    {NULL, NULL},
};
