/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/netfilter.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SIZE 32768
#define ANSWERS_MAX 256

/* The messages of one datagram: how many tables, or 1 << 30 and more at the end of the list, or -errno. */
#define END (1 << 30)
static int count(const void *data, size_t size)
{
	const struct nlmsghdr *m = data;
	int tables = 0, code = 0;

	for (; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
		if (m->nlmsg_type == NLMSG_DONE)
			return END + tables;
		if (m->nlmsg_type == NLMSG_ERROR) {
			if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
				code = ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
			return code < 0 ? code : -EPROTO;
		}
		tables += m->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
		if (NLMSG_ALIGN(m->nlmsg_len) > size)
			break; /* what is left would be less than nothing */
	}
	return tables;
}

static int ask(int fd)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg body;
	} request = {
	    .head = {.nlmsg_len = sizeof(request),
		     .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
		     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	static _Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
	int tables = 0;

	if (send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	for (int i = 0; i < ANSWERS_MAX; i++) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		int found = got < 0 ? -errno : count(answer, (size_t)got);

		if (found < 0)
			return found;
		tables += found & (END - 1);
		if (found >= END)
			return tables;
	}
	return -EPROTO;
}

int rn_netfilter_tables(void)
{
	const struct timeval patience = {.tv_sec = 2};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), code;

	if (fd < 0)
		return errno == EPROTONOSUPPORT ? 0 : -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	code = ask(fd);
	close(fd);
	/* The kernel has netfilter, and no nftables. */
	return code == -EINVAL || code == -EOPNOTSUPP ? 0 : code;
}

bool rn_netfilter_legacy(void)
{
	static const char *const lists[] = {"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"};
	char line[64];
	bool found = false;

	for (unsigned i = 0; i < 2; i++) {
		FILE *file = fopen(lists[i], "re");

		while (file && fgets(line, sizeof(line), file))
			found |= strcmp(line, "filter\n") == 0;
		if (file)
			fclose(file);
	}
	return found;
}
