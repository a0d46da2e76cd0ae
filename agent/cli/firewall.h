/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_FIREWALL_H
#define RN_CLI_FIREWALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/*
 * What the host's own packet filter does to a new connection that comes in: nftables, and iptables where it is
 * nftables underneath. Nothing is ever changed.
 */
struct rn_firewall_packet {
	const char *interface; /* it comes in by; "": not known, no rule that names one matches for certain */
	const char *protocol;  /* "udp" or "tcp" and port; NULL: any at all */
	uint16_t port;
};

enum rn_firewall_answer {
	RN_FIREWALL_OPEN,    /* it comes in */
	RN_FIREWALL_SOME,    /* dropped, but for what rules let in that look at more than is known of the packet */
	RN_FIREWALL_CLOSED,  /* dropped */
	RN_FIREWALL_UNKNOWN, /* nobody can be asked: `why` says so */
};
struct rn_firewall {
	enum rn_firewall_answer answer;
	char family[8], table[64], chain[64]; /* which base chain drops it, of the first that does */
	bool ufw, firewalld;		      /* who keeps these rules */
	char why[160];			      /* of UNKNOWN */
};

/* By a ruleset as `nft -j list ruleset` prints it. */
void rn_firewall_judge(const struct rn_json *ruleset, const struct rn_firewall_packet *packet, struct rn_firewall *ret);
/* By this host's own. Root. */
void rn_firewall_look(const struct rn_firewall_packet *packet, struct rn_firewall *ret);
/* The command that lets the packet in, in the words of whoever keeps the rules. */
void rn_firewall_remedy(const struct rn_firewall *firewall, const struct rn_firewall_packet *packet, char *out,
			size_t size);

#endif
