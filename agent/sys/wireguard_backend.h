/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_WIREGUARD_BACKEND_H
#define RN_SYS_WIREGUARD_BACKEND_H

#include <stddef.h>

#include "sys/wireguard.h"

/* What a backend of wireguard.h gives. Contracts are those of the functions of the same name there. */
struct rn_wireguard_ops {
	int (*set_device)(const char *interface, const uint8_t private_key[RN_KEY_SIZE], uint16_t port);
	int (*set_peer)(const char *interface, const struct rn_wireguard_peer *peer);
	int (*remove_peer)(const char *interface, const uint8_t key[RN_KEY_SIZE]);
	int (*dump)(const char *interface, struct rn_wireguard_device *ret,
		    void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context);
};
extern const struct rn_wireguard_ops rn_wireguard_kernel;
extern const struct rn_wireguard_ops rn_wireguard_userspace;

/* wireguard_text.c: the UAPI's text, without I/O. The other end is treated as hostile. */
#define RN_UAPI_LINE_MAX 256
#define RN_UAPI_ANSWER_MAX (16u << 20)
/* Requests in out; the size, or -EMSGSIZE. They hold secrets: wipe them. */
int rn_uapi_set_device(char *out, size_t size, const uint8_t private_key[RN_KEY_SIZE], uint16_t port);
int rn_uapi_set_peer(char *out, size_t size, const struct rn_wireguard_peer *peer);
int rn_uapi_remove_peer(char *out, size_t size, const uint8_t key[RN_KEY_SIZE]);
/*
 * A whole answer, up to and with its empty line: 0, -EBADMSG (senseless or cut), or the errno= that it reports. Unknown
 * keys are passed over. each is called only for peers of an answer that is good as a whole; it may be NULL.
 */
int rn_uapi_parse(const char *text, size_t size, struct rn_wireguard_device *ret,
		  void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context);

#endif
