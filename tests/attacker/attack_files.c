/* SPDX-License-Identifier: Apache-2.0 */
/* What net may still try with the calls that it has: files, other processes' memory, sockets, what it was given. */
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

static void others_files(struct net *net, char **words, int count)
{
	static const char *const names[] = {"core/core.db",
					    "core/policy.key",
					    "core/box.key",
					    "core/core.db-wal",
					    "kern/wireguard.key",
					    "kern/floor.bin",
					    "kern/revoked.bin",
					    "ca/issuing.key",
					    "ca/issuing.der",
					    "ca/journal",
					    "root/root.key",
					    "web/console.key",
					    "core",
					    "kern",
					    "ca",
					    "root",
					    "web"};
	static const char *const written[] = {"format", "anchor", "self.json", "", "net/../anchor"};
	char path[256];
	unsigned good = 0;

	(void)net;
	(void)words;
	(void)count;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/var/lib/rnaut/state/%s", names[i]);
		if (opens(path, O_RDONLY) || opens(path, O_RDWR) || opens(path, O_WRONLY | O_APPEND)) {
			said("could open %s", path);
			good++;
		}
	}
	for (unsigned i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		snprintf(path, sizeof(path), "/var/lib/rnaut/state/%s", written[i]);
		if (opens(path, O_WRONLY) || unlink(path) == 0 || rename(path, "/var/lib/rnaut/state/net/x") == 0) {
			said("could change %s", path);
			good++;
		}
	}
	if (opens("/sys/fs/bpf/rnaut/rn_devices", O_RDWR) || opens("/etc/rnaut/rnaut.conf", O_WRONLY | O_CREAT) ||
	    opens("/etc/passwd", O_WRONLY) || opens("/dev/net/tun", O_RDWR) || opens("/dev/mem", O_RDWR)) {
		said("could open what is root's");
		good++;
	}
	said("%u files of others", good);
}

static void others_memory(struct net *net, char **words, int count)
{
	static const char *const names[] = {"mem", "environ", "maps", "fd/3", "root/etc/passwd", "exe", "auxv"};
	const int self = getpid();
	char path[64];
	unsigned good = 0, seen = 0;

	(void)net;
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

static bool connects(const char *path, size_t length, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool good;

	memcpy(address.sun_path, path, length);
	good = fd >= 0 && connect(fd, (const struct sockaddr *)&address,
				  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0;
	close(fd);
	return good;
}

/* Every name of /proc/net/unix, those without a file ("@...") too, and what is known to be there. */
static void others_sockets(struct net *net, char **words, int count)
{
	static const char *const known[] = {"/run/rnaut/api.sock", "/run/wireguard/rn0.sock",
					    "/run/dbus/system_bus_socket"};
	static char text[65536];
	int fd = open("/proc/net/unix", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	unsigned good = 0;

	(void)net;
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
	return (domain == AF_INET || domain == AF_INET6) && type == SOCK_DGRAM ? "udp"
	       : domain == AF_UNIX					       ? "unix socket"
									       : "other socket";
}

/* What it was given: listed, and whether more can be had of any than it is for. */
static void descriptors(struct net *net, char **words, int count)
{
	struct stat st;
	char what[64];

	(void)net;
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
	if (socket(AF_INET, SOCK_RAW, IPPROTO_RAW) >= 0)
		said("descriptor raw: could be made");
}

const struct attack attack_files[] = {
    {"others_files", others_files},
    {"others_memory", others_memory},
    {"others_sockets", others_sockets},
    {"descriptors", descriptors},
    {NULL, NULL},
};
