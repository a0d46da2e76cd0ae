/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_KERN_STAGE_H
#define RN_TESTS_KERN_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "domain/record.h"
#include "proto/local.h"

/*
 * A host of its own for `rnautd kern`: network and mount namespace, users, state, a gateway's keys, and this program in
 * core's place on the socket. Everything ends with the process.
 */
#define STAGE_INTERFACE "rnk0"
#define STAGE_LEASE 3600 /* seconds, of stage_sync_all */
#define STAGE_REVOKED "/var/lib/rnaut/state/kern/revoked.bin"

struct stage {
	uint8_t root[RN_KEY_SIZE], policy[RN_KEY_SIZE]; /* seeds */
	uint32_t self, hub;
	bool is_hub;
	int listener, kern; /* sockets */
	pid_t kern_pid, wireguard_pid;
	uint8_t buffer[RN_LOCAL_SIZE_MAX];
	struct rn_local message; /* the last one received; views point into buffer */
	unsigned events;	 /* struct rn_event received in all */
};

/* Exits the test with a message where the host cannot be made. */
void stage_open(struct stage *s, bool hub, uint32_t self, uint32_t hub_number);
void stage_self(struct stage *s);	/* writes self.json and the anchor anew */
void stage_conf(const char *wireguard); /* writes rnaut.conf with this "wireguard" */
bool stage_kernel_has_wireguard(void);
void stage_wireguard_start(struct stage *s); /* userspace only; nothing where the kernel has it */
void stage_wireguard_kill(struct stage *s);
void stage_kern_start(struct stage *s);			     /* and waits for its HELLO */
void stage_kern_kill(struct stage *s);			     /* with SIGKILL */
void stage_close(struct stage *s);			     /* kern --remove too */
int stage_run(const char *program, const char *const *argv); /* exit status */
/* Runs rnautd with one more argument (or NULL) to its end: the exit status; its last line in out. */
int stage_rnautd(const char *process, const char *argument, char *out, size_t out_size);

void stage_send(struct stage *s, const struct rn_local *message);
void stage_say(struct stage *s, enum rn_local_type type, uint32_t number, uint64_t version);
/* Waits at most 5 s for a message of the type (events are counted and passed over): true where it came. */
bool stage_expect(struct stage *s, enum rn_local_type type);

/* Records by this stage's gateway; each returns true where kern applied it, false where it refused. */
bool stage_network(struct stage *s, uint64_t version, uint32_t lease_seconds);
bool stage_device(struct stage *s, uint64_t version, const struct rn_device_record *device);
bool stage_policy(struct stage *s, uint64_t version, const struct rn_policy_record *policy);
bool stage_record(struct stage *s, const uint8_t *data, size_t size);
bool stage_allow_all(struct stage *s, uint64_t version); /* selector 1 may reach selector 1 */
/* Everything current, as core sends it, records 1 to 5: network, this host, two devices, the policy. */
bool stage_sync_all(struct stage *s, uint64_t version);
struct rn_device_record stage_device_of(const struct stage *s, uint32_t number);
extern uint32_t stage_epoch;
extern bool stage_syncing; /* records are answered only by the end of the sync */

#endif
