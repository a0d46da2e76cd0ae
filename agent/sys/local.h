/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_LOCAL_H
#define RN_SYS_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "proto/local.h" /* sys may see this one header of proto: the messages it frames */

/* SOCK_SEQPACKET unix sockets between the processes of one host. Descriptors are non-blocking and close-on-exec. */

/*
 * The names in the run directory of core's socket and of kern's for net. Whoever dials under a filter goes to that
 * directory first and dials them by name: no address of the network is as short (sandbox.c).
 */
#define RN_LOCAL_CORE "ipc.sock"
#define RN_LOCAL_PORT "port.sock"
/* Makes the run directory this process's own: 0, or -errno and a sentence. */
int rn_local_enter(const char *directory, struct rn_err *err);
/* True, and logged, where that directory is now another one: only a new process gets there. */
bool rn_local_moved(const char *directory);

/* Binds and listens; replaces a stale socket; mode 0666, since the peer's uid is what counts. The fd, or -errno. */
int rn_local_listen(const char *path, struct rn_err *err);
/* Those who connect see the user that listened: a process calls this when it has become another. 0 or -errno. */
int rn_local_listen_again(int listener);
/* The fd and the peer's uid; -EAGAIN where nobody waits. */
int rn_local_accept(int listener, uid_t *ret_uid);
/* The fd, or -errno (-ENOENT, -ECONNREFUSED: nobody there yet). *ret_uid is who listens. */
int rn_local_connect(const char *path, uid_t *ret_uid);
/*
 * The same, of owner's socket alone: -EAGAIN where root listens, since a process makes its socket before it is its own
 * user; -EPERM where another does, which is logged once while *strange stays set. name is whose it should be.
 */
int rn_local_dial(const char *path, uid_t owner, const char *name, bool *strange);
/* Encodes and sends one message: 0, -EAGAIN (the peer is slow: drop it or try later), -EPIPE, -EMSGSIZE. */
int rn_local_send(int fd, const struct rn_local *message);
/*
 * Receives one message into buffer (RN_LOCAL_SIZE_MAX bytes, which the views in *ret point into): 1, 0 at the end of
 * the connection, -EAGAIN, or -EBADMSG (close it).
 */
int rn_local_receive(int fd, void *buffer, struct rn_local *ret);
/* The same for messages that are not of local.h: 0, -EAGAIN, -EPIPE ... */
int rn_local_send_bytes(int fd, const void *data, size_t size);
/* ... the size, 0 at the end of the connection, -EAGAIN, or -EBADMSG where it is longer than `size`. */
int rn_local_receive_bytes(int fd, void *buffer, size_t size);

#endif
