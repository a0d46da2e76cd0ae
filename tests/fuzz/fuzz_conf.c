/* SPDX-License-Identifier: Apache-2.0 */
/* rnaut.conf, as text. The file's own functions are reached by including it: they are no part of its interface. */
#include "sys/conf.c"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *text = fuzz_copy(data, size);
	struct rn_err err = {""};
	struct rn_conf conf;

	if (parse_conf("rnaut.conf", (const char *)text, size, &conf, &err) == 0) {
		CHECK(conf.state_dir[0] == '/' && conf.run_dir[0] == '/' && conf.bpf_dir[0] == '/');
		CHECK(conf.mtu >= MTU_MIN && conf.mtu <= MTU_MAX && interface_valid(conf.interface));
		CHECK(conf.wireguard_port && conf.control_port && conf.wireguard_port != conf.control_port);
		CHECK(conf.mesh_port && conf.mesh_port != conf.wireguard_port && conf.mesh_port != conf.control_port);
		CHECK(conf.mesh_interface[0] && strcmp(conf.mesh_interface, conf.interface) != 0);
	} else {
		CHECK(strncmp(err.text, "rnaut.conf: ", 12) == 0);
	}
	free(text);
	return 0;
}
