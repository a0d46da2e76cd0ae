/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "host.h"
#include "scenarios.h"

/* kern ends, the pins and the interface go; the disk stays. */
static void reboot(struct stage *s)
{
	static const char *const remove_link[] = {"ip", "link", "del", STAGE_INTERFACE, NULL};
	const struct dirent *entry;
	unsigned pins = 0;
	DIR *directory;

	stage_kern_kill(s);
	directory = opendir(HOST_PINS);
	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.')
			pins += unlinkat(dirfd(directory), entry->d_name, 0) == 0;
	}
	if (directory)
		closedir(directory);
	CHECK(pins > 10 && host_config().role == 0);
	if (stage_kernel_has_wireguard())
		CHECK(stage_run("ip", remove_link) == 0);
	else
		stage_wireguard_kill(s);
	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && host_config().generation == 0);
}

static bool is_revoked(const struct rn_device_record *d)
{
	return host_device(&d->ipv4, NULL).state & RN_STATE_REVOKED;
}

/* A disk that takes nothing: what is revoked is so in the kernel at once, and on the disk when that is possible. */
static void check_full_disk(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 3), revoked = d;

	revoked.flags |= RN_DEVICE_REVOKED;
	CHECK(stage_device(s, 4, &d) && !is_revoked(&d));
	CHECK(mkdir(STAGE_REVOKED ".new", 0700) == 0);
	CHECK(stage_device(s, 7, &revoked) && is_revoked(&d));
	CHECK(!stage_device(s, 8, &d));
	CHECK(rmdir(STAGE_REVOKED ".new") == 0);
	stage_kern_kill(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && is_revoked(&d));
	reboot(s);
	CHECK(!stage_device(s, 4, &d) && !stage_device(s, 8, &d));
}

/* A captured core has kept what the gateway signed before it revoked the device. */
void revocation(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 2), revoked = d;

	revoked.flags |= RN_DEVICE_REVOKED;
	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && stage_sync_all(s, 5));
	CHECK(host_peers(NULL).count == 2 && access(STAGE_REVOKED, F_OK) < 0);
	CHECK(stage_device(s, 6, &revoked) && is_revoked(&d));
	CHECK(access(STAGE_REVOKED, F_OK) == 0);
	stage_say(s, RN_LOCAL_KERN_REMOVE, 2, 0);
	reboot(s);
	CHECK(!stage_device(s, 3, &d));
	CHECK(!stage_device(s, 99, &d));
	CHECK(host_device(&d.ipv4, NULL).number == 0 && host_peers(NULL).count == 0);
	CHECK(stage_device(s, 6, &revoked) && is_revoked(&d));
	CHECK(!stage_device(s, 3, &d) && is_revoked(&d));
	check_full_disk(s);
	stage_epoch = 2; /* numbers count anew */
	CHECK(stage_network(s, 1, STAGE_LEASE) && stage_device(s, 2, &d) && !is_revoked(&d));
	reboot(s);
	CHECK(stage_device(s, 2, &d));
	stage_say(s, RN_LOCAL_KERN_SYNC, 2, 5);
	stage_syncing = true;
	stage_device(s, 5, &revoked);
	stage_syncing = false;
	stage_say(s, RN_LOCAL_KERN_SYNCED, 2, 5);
	CHECK(stage_expect(s, RN_LOCAL_KERN_APPLIED) && is_revoked(&d));
	reboot(s);
	CHECK(!stage_device(s, 2, &d));
	stage_epoch = 1;
	CHECK(!stage_device(s, 6, &d));
}
