/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_NETFILTER_H
#define RN_SYS_NETFILTER_H

#include <stdbool.h>

/* Is there a packet filter in this network namespace at all? Only read, never changed. */

/* How many tables nftables has, iptables-nft's among them; 0 also where the kernel has no nftables; -errno. */
int rn_netfilter_tables(void);
/* True where the older iptables has a filter table, which no tool of nftables shows. */
bool rn_netfilter_legacy(void);

#endif
