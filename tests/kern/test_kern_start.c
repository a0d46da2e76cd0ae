/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "check.h"
#include "scenarios.h"

/* A state that kern cannot begin with: it ends, and says what to do. */

static void damage(const char *path)
{
	FILE *out = fopen(path, "w");

	fputs("RNV1 but not what kern wrote", out);
	fclose(out);
}

void bad_starts(struct stage *s)
{
	char line[1024];

	(void)s;
	CHECK(rename("/var/lib/rnaut/state", "/var/lib/rnaut/away") == 0);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "gateway init"));
	CHECK(rename("/var/lib/rnaut/away", "/var/lib/rnaut/state") == 0);
	FILE *format = fopen("/var/lib/rnaut/state/format", "w");
	fputs("2\n", format);
	fclose(format);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "newer"));
	format = fopen("/var/lib/rnaut/state/format", "w");
	fputs("1\n", format);
	fclose(format);
	if (stage_kernel_has_wireguard())
		puts("skipped: asking for the kernel's WireGuard where there is none: this kernel has it");
	else {
		stage_conf("kernel");
		CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "has no WireGuard"));
		stage_conf("auto");
	}
	damage(STAGE_REVOKED);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "revoked.bin is damaged"));
	CHECK(unlink(STAGE_REVOKED) == 0);
	CHECK(mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL) == 0);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "mount -t bpf"));
	CHECK(umount("/sys/fs/bpf") == 0);
	CHECK(rename("/var/lib/rnaut/state/kern/wireguard.key", "/var/lib/rnaut/state/kern/away") == 0);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "wireguard.key"));
}
