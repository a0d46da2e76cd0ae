/* SPDX-License-Identifier: Apache-2.0 */
/* The real net up to the point where its loop would run; the product's own file is included, and contains none of this.
 */
#define rn_role_net rn_role_net_honest
#include "role/net.c"
#undef rn_role_net

#include "net_attacker.h"

int dial_core(const struct inside *inside)
{
	struct rn_local hello = {.type = RN_LOCAL_NET_HELLO};
	uid_t uid;
	int fd = rn_local_connect(RN_LOCAL_CORE, &uid);

	(void)inside;
	if (fd >= 0) {
		memcpy(hello.key, inside->net->public, RN_KEY_SIZE);
		tell(fd, &hello);
	}
	return fd;
}

bool speak(int fd, uint64_t session, const struct rn_message *message)
{
	static uint8_t data[RN_MESSAGE_MAX];
	int size = rn_message_encode(message, data, sizeof(data));
	const struct rn_local local = {
	    .type = RN_LOCAL_NET_MESSAGE, .session = session, .block = data, .block_size = (size_t)size};

	return size > 0 && tell(fd, &local);
}

bool claim(int fd, uint64_t session, const uint8_t key[RN_KEY_SIZE], enum rn_kind kind, uint32_t tag)
{
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN,
				.session = session,
				.role = (uint8_t)kind,
				.number = tag,
				.expires = UINT32_MAX,
				.text = "attacker"};

	memcpy(open.key, key, RN_KEY_SIZE);
	return tell(fd, &open);
}

int rn_role_net(int argc, char **argv); /* role.h has given its declaration to the honest one */
int rn_role_net(int argc, char **argv)
{
	static const struct attack *const lists[] = {attack_calls,    attack_files, attack_core,
						     attack_upstream, attack_port,  NULL};
	struct net *net = calloc(1, sizeof(*net));
	struct rn_err err = {""};

	(void)argc;
	(void)argv;
	(void)rn_role_net_honest;
	net->core.fd = -1;
	if (rn_crypto_start() < 0 || prepare(net, &err) < 0) {
		said("could not start: %s", err.text);
		return 1;
	}
	attack(&(struct inside){"net", rn_udp_fd(net->udp), net, NULL}, lists);
	return 0;
}
