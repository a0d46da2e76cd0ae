# SPDX-License-Identifier: Apache-2.0
# One file, not recursive. `make help` lists the targets. V=1 shows the commands; SAN=1 builds with sanitizers.
SHELL := /bin/sh
# bpftool is in /usr/sbin, which is not in an ordinary user's PATH on Debian.
export PATH := $(PATH):/usr/sbin:/sbin
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

comma := ,
O := build/$(if $(FUZZ),fuzz,$(if $(SAN),asan,out))
Q := $(if $(V),,@)
msg = @printf '  %-6s %s\n' '$(1)' '$(2)'

CC := gcc
CLANG := clang
PACKAGES := libbpf libnl-3.0 libnl-genl-3.0 libnl-route-3.0 libsodium gnutls libcjson sqlite3 libuv libmicrohttpd \
	libseccomp libcap-ng libcurl libqrencode yaml-0.1
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS := -Iagent -Iinclude -I. -I$(O) -D_GNU_SOURCE -DRN_VERSION='"$(VERSION)"' \
	$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Werror
CFLAGS := -std=gnu11 -g -O2 $(WARN) -fPIE -fstack-protector-strong -fno-strict-aliasing -ftrivial-auto-var-init=zero \
	$(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer,-D_FORTIFY_SOURCE=2)
LDFLAGS := -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=address$(comma)undefined)
# FUZZ=1: everything with clang's coverage, ASan and UBSan, for the fuzzers alone. What is not initialised is a pattern.
ifdef FUZZ
FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CC := $(CLANG)
CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Wno-gnu-variable-sized-type-not-at-end -Werror -fPIE -fno-strict-aliasing \
	-ftrivial-auto-var-init=pattern -fsanitize=fuzzer-no-link $(FUZZ_FLAGS)
LDFLAGS := -pie $(FUZZ_FLAGS)
endif
MACHINE := $(shell uname -m)
BPF_CFLAGS := -target bpf -D__TARGET_ARCH_$(subst x86_64,x86,$(MACHINE)) -g -O2 -Wall -Wextra -Werror -mcpu=v3 -Iinclude \
	-Ibpf -idirafter /usr/include/$(MACHINE)-linux-gnu

LAYERS := base domain proto sys service role api cli
$(foreach l,$(LAYERS),$(eval SRC_$(l) := $(wildcard agent/$(l)/*.c)))
objects = $(patsubst %.c,$(O)/%.o,$(1))
# A program links the archives of the layers below it; the linker takes only the modules it needs.
archives = $(foreach l,$(1),$(O)/lib$(l).a)

DAEMON_LIBS := $(shell pkg-config --libs libbpf libnl-3.0 libnl-genl-3.0 libnl-route-3.0 libsodium gnutls libcjson \
	sqlite3 libuv libmicrohttpd libseccomp libcap-ng 2>/dev/null) -lelf -lz
CLI_LIBS := $(shell pkg-config --libs libbpf libsodium gnutls libcjson libcurl libqrencode libcap-ng libseccomp sqlite3 \
	libnl-3.0 libnl-route-3.0 libuv yaml-0.1 2>/dev/null) -lelf -lz
TEST_LIBS := -lcmocka $(DAEMON_LIBS) $(CLI_LIBS)

BPF_SKELETONS := $(patsubst bpf/%.bpf.c,$(O)/bpf/%.skel.h,$(wildcard bpf/*.bpf.c))
TEST_SUPPORT := $(call objects,$(wildcard tests/support/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))

# All but core and ca are programs of their own (role.h); each is linked with the libraries that it uses and no others.
PROGRAMS := $(addprefix $(O)/,rnautd rnautd-kern rnautd-net rnautd-web rnautd-wireguard)
ALONE := $(wildcard $(addprefix agent/role/,kern*.c net*.c web*.c wireguard.c))
all: $(PROGRAMS) $(O)/rnaut ## the daemon and the command line

$(O)/rnautd: $(call objects,$(filter-out $(ALONE),$(SRC_role)))
$(O)/rnautd-kern: $(call objects,$(filter agent/role/kern%,$(ALONE)))
$(O)/rnautd-net: $(call objects,$(filter agent/role/net%,$(ALONE)))
$(O)/rnautd-wireguard: $(O)/agent/role/wireguard.o
$(O)/rnautd-web: $(call objects,$(filter agent/role/web%,$(ALONE))) $(O)/web_files.o
$(PROGRAMS): $(O)/agent/rnautd.o $(call archives,api service sys domain proto base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--as-needed -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(DAEMON_LIBS)
$(O)/rnaut: $(O)/agent/rnaut.o $(call archives,cli service sys domain proto base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -Wl,--as-needed $(CLI_LIBS)
$(foreach l,$(LAYERS),$(eval $(O)/lib$(l).a: $(call objects,$(SRC_$(l)))))
$(O)/lib%.a:
	$(call msg,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^
$(O)/%.o: %.c
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The console's page. Where there is no npm: as it was built last, or a page that says how.
ifneq ($(shell command -v node >/dev/null && command -v npm),)
CONSOLE := console/dist/index.html
$(CONSOLE): $(shell find console/src console/public console/scripts -type f) $(wildcard console/*.*) include/abi/verdict.def
	$(call msg,PAGE,console/dist)
	$(Q)console/build.sh
console: $(CONSOLE) ## the page of rnautd-web
console-test: $(CONSOLE) ## its types and its logic
	$(Q)cd console && npm run --silent check && npm run --silent test
else
CONSOLE := $(wildcard console/dist/index.html)
all: console
console:
	@echo '  PAGE   not built: node and npm are missing (packaging/deps.sh build installs them)'
endif
$(O)/web_files.c: packaging/embed.sh packaging/console/index.html $(CONSOLE)
	$(call msg,EMBED,$@)
	$(Q)mkdir -p $(@D) && packaging/embed.sh console/dist $(O)/web_files >$@.new && mv $@.new $@
$(O)/web_files.o: $(O)/web_files.c
	$(call msg,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Only what includes a skeleton waits for the BPF programs.
$(patsubst %.c,$(O)/%.o,$(shell grep -rl 'skel\.h"' agent tests --include='*.c' 2>/dev/null)): | $(BPF_SKELETONS)
$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/abi/*)
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c -o $@.tmp $< && bpftool gen object $@ $@.tmp && rm $@.tmp
$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)bpftool gen skeleton $< name $* > $@ && sed -i 's,^\treturn err;$$,& // NOLINT: it was freed,' $@

# Unit tests: each program links its module and what is below it.
$(O)/tests/test_%: $(O)/tests/unit/test_%.o $(TEST_SUPPORT) $(call archives,api cli service sys domain proto base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
# In the plain build its path has no build directory: people call it by hand.
NOISE_VECTORS := $(if $(SAN),$(O),build)/tests/noise-vectors
$(NOISE_VECTORS): $(O)/tests/vectors/noise_vectors.o $(call archives,proto base)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lsodium -lcjson
$(O)/tests/test_noise: | $(NOISE_VECTORS)
all: $(NOISE_VECTORS)
$(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_session*.c tests/unit/test_knock.c)): \
	$(O)/tests/unit/session_world.o
$(O)/tests/test_identity_simulation: $(addprefix $(O)/tests/unit/identity_,world.o hub.o)
$(addprefix $(O)/tests/test_,registry tokens hubs core_sync core_resolve core_homes core_homes_late core_numbers core_costs \
		core_history core_prepare core_review core_replay core_observed core_parts core_flow_log attack_core \
		attack_policies attack_disk): $(O)/tests/unit/core_world.o
$(addprefix $(O)/tests/test_,core_replay core_observed): $(O)/tests/unit/flow_world.o
$(addprefix $(O)/tests/test_attack_,policies disk): $(O)/tests/unit/core_killed.o
$(addprefix $(O)/tests/test_,attack_enforce enforce_hubs enforce_homes enforce_own enforce_many): $(O)/tests/unit/enforce_world.o
$(addprefix $(O)/tests/test_,zones schedule): $(O)/tests/unit/zone_vectors.o
$(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_door*.c)): $(O)/tests/unit/core_world.o \
	$(O)/tests/unit/door_world.o
$(addprefix $(O)/tests/test_,store store_access store_policies): $(O)/tests/unit/store_world.o
$(addprefix $(O)/tests/test_import_,tailscale networkpolicy): $(O)/tests/unit/import_world.o
run_tests = fail=0; for t in $(1); do printf '  TEST   %s\n' $$t; \
	$$t > $$t.log 2>&1 || { fail=1; cat $$t.log; }; done; exit $$fail
unit-programs: $(UNIT_TESTS)
unit: $(UNIT_TESTS) ## the unit tests
	$(Q)$(call run_tests,$(UNIT_TESTS))

# Programs under tests/bpf/ (root): each test_X.c with all that is beside it.
BPF_TESTS := $(patsubst tests/bpf/%.c,$(O)/tests/bpf/%,$(wildcard tests/bpf/test_*.c))
BPF_SUPPORT := $(call objects,$(filter-out tests/bpf/test_%.c,$(wildcard tests/bpf/*.c agent/sys/datapath*.c)) \
	agent/sys/steering.c agent/sys/pin.c)
$(O)/tests/bpf/test_%: $(O)/tests/bpf/test_%.o $(BPF_SUPPORT) $(TEST_SUPPORT) $(call archives,domain base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
bpf-test: $(BPF_TESTS) ## the programs in the kernel against the reference, and attached (root)
	$(Q)$(call run_tests,$(BPF_TESTS))

# A network in one process, from one seed: tests/sim/sim_main.c. --wrap puts its machine in place of this one.
SIM := $(O)/tests/sim/sim
SIM_WRAPS := clock_gettime time rn_ed25519_verify rn_meanings_new rn_log rn_file_read rn_file_write \
	$(addprefix rn_kern_mesh_,device remove) \
	$(addprefix rn_store_,open begin commit) \
	$(addprefix rn_datapath_,set_meta set_forgotten set_generation set_lease device_set device_state policy_write \
		identity_write)
$(SIM): $(call objects,$(wildcard tests/sim/*.c) agent/role/net_peers.c agent/role/net_core.c \
		$(addprefix agent/role/kern_,records.c resume.c mesh.c number.c)) \
		$(TEST_SUPPORT) $(call archives,service sys domain proto base)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) $(addprefix -Wl$(comma)--wrap=,$(SIM_WRAPS)) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
sim: $(SIM) ## whole networks under random faults: SEEDS=200 from SEED=1; SIZE='--hubs 50 --devices 1000'
	$(Q)$(SIM) --seeds $(or $(SEEDS),$(if $(SEED),1,200)) --seed $(or $(SEED),1) $(SIZE)

flat: $(SIM) ## one hub while the rest of the network grows: SIZES=1000,1000000
	$(Q)$(SIM) --flat $(or $(SIZES),1000$(comma)100000)

verdicts: $(O)/tests/bpf/test_verdicts ## 1,000 random policies, the programs against the reference (root)
	$(Q)$<

# rnautd kern on a host of its own, this program in core's place (root).
KERN_TEST := $(O)/tests/kern/test_kern
$(KERN_TEST): $(call objects,$(wildcard tests/kern/*.c)) $(call archives,sys domain proto base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
kern-test: $(KERN_TEST) $(PROGRAMS) ## the process kern with WireGuard and the datapath (root)
	$(Q)RNAUTD=$(O)/rnautd $(KERN_TEST)

# rnautd-net and rnautd-web that are the attacker (tests/netns/test_attacker*.py): their objects stand in place of
# role/net.c and role/web.c.
attacker_objects = $(O)/agent/rnautd.o $(call objects,$(wildcard tests/attacker/attack_*.c tests/attacker/$(1)_*.c) \
	$(filter-out agent/role/$(1).c,$(wildcard agent/role/$(1)*.c)))
ATTACKERS := $(O)/tests/rnautd-attacker-net $(O)/tests/rnautd-attacker-web
$(O)/tests/rnautd-attacker-net: $(call attacker_objects,net) $(call archives,service sys domain proto base)
$(O)/tests/rnautd-attacker-web: $(call attacker_objects,web) $(O)/web_files.o $(call archives,service sys domain proto base)
$(ATTACKERS):
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--as-needed -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(DAEMON_LIBS)
.PHONY: attacker mutate
attacker: $(ATTACKERS)
mutate: ## changes of the datapath, policy and protocol: COUNT=300 drawn by SEED, each to be caught by a test (root)
	$(Q)python3 -B tests/mutate/mutate.py --count $(or $(COUNT),300) $(if $(SEED),--seed $(SEED))

# Fuzzers: tests/fuzz/fuzz_X.c is one target each, its corpus is tests/fuzz/corpus/X (docs/testing.md).
SECONDS_EACH := $(or $(SECONDS),30)
FUZZERS := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PARTS := $(O)/tests/fuzz/fuzz.o $(O)/tests/fuzz/assert.o $(call archives,api cli service sys domain proto base)
$(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(FUZZ_PARTS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(TEST_LIBS)
$(addprefix $(O)/tests/fuzz/fuzz_,core door): $(O)/tests/unit/core_world.o
$(O)/tests/fuzz/fuzz_door: $(O)/tests/unit/door_world.o
$(addprefix $(O)/tests/fuzz/fuzz_,session datagram): $(O)/tests/unit/session_world.o
$(O)/tests/fuzz/fuzz_policy: $(addprefix $(O)/tests/support/,walk.o selector_numbers.o)
$(O)/tests/fuzz/fuzz_policy_after: $(addprefix $(O)/tests/support/,policy_wire.o same_model.o selector_numbers.o)
$(O)/tests/fuzz/seeds: $(O)/tests/fuzz/seeds.o $(call archives,sys domain proto base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
fuzz-programs: $(FUZZERS) $(O)/tests/fuzz/seeds
fuzz: ## every parser under random input: SECONDS=30 each; TARGETS='word ...' chooses
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) FUZZ=1 fuzz-programs
	$(Q)python3 -B tests/fuzz/run.py --seconds $(SECONDS_EACH) $(TARGETS)

# What measures in the kernel: programs of its own around the datapath's.
BENCH_PACKET := $(O)/tests/bench/packet
$(O)/bpf/bench_packet.bpf.o: tests/bench/packet.bpf.c $(wildcard bpf/* include/abi/*)
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c -o $@.tmp $< && bpftool gen object $@ $@.tmp && rm $@.tmp
$(O)/tests/bench/packet.o: $(O)/bpf/bench_packet.skel.h
$(BENCH_PACKET): $(O)/tests/bench/packet.o $(call archives,domain base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)

# The way of a large policy from its text to the kernel.
BENCH_POLICY := $(O)/tests/bench/policy
$(BENCH_POLICY): $(O)/tests/bench/policy.o $(BPF_SUPPORT) $(TEST_SUPPORT) $(call archives,domain base)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)

test-programs: $(UNIT_TESTS) $(BPF_TESTS) $(KERN_TEST) $(ATTACKERS)

# The product. As root these install what is missing; under sudo everything is built as the calling user.
CALLER := $(shell [ "$$(id -u)" = 0 ] && [ -n "$(SUDO_USER)" ] && runuser -u "$(SUDO_USER)" -- test -w . && echo "$(SUDO_USER)")
AS_CALLER := $(if $(CALLER),runuser -u $(CALLER) -- env -u HOME)
GIVE_BACK = status=$$?; $(if $(CALLER),chown -R $(CALLER) build;) exit $$status
BUILD = $(AS_CALLER) $(MAKE) --no-print-directory -j$(shell nproc) all
deps: ## what is missing of Debian's packages (root)
	$(Q)packaging/deps.sh all
run: ## a network on this machine, in namespaces (root); LAB=detach returns when it is up
	$(Q)packaging/deps.sh run
	$(Q)$(BUILD)
	$(Q)python3 -B lab/lab.py up $(if $(filter detach,$(LAB)),--detach)
lab-down: ## remove it
	$(Q)python3 -B lab/lab.py down
test: deps ## everything (root): build, lint, unit, BPF, namespaces, VM
	$(Q)python3 -B tests/all.py $(TESTS)
netns: ## the namespace tests on this kernel (root); TESTS='word ...' chooses
	$(Q)$(BUILD) attacker
	$(Q)python3 -B tests/netns/run.py $(TESTS); $(GIVE_BACK)
vmtest: ## the namespace tests on Debian's 6.1 kernel with its WireGuard
	$(Q)$(BUILD) attacker
	$(Q)python3 -B vmtest/vm.py --timeout 2400 python3 -B tests/netns/run.py $(TESTS); $(GIVE_BACK)
bench: deps ## the benchmarks (root, takes a quarter of an hour); TESTS='decide size' chooses; figures go to build/bench
	$(Q)$(BUILD) $(BENCH_PACKET) $(BENCH_POLICY)
	$(Q)python3 -B tests/bench/run.py $(TESTS); $(GIVE_BACK)
lint: $(BPF_SKELETONS) ## what tools can judge
	$(Q)python3 -B tests/lint/lint.py

PREFIX ?= /usr/local
UNITS := $(wildcard packaging/systemd/*)
unit_dir := $(DESTDIR)$(PREFIX)/lib/systemd/system
nm_conf := $(DESTDIR)/etc/NetworkManager/conf.d/rnaut.conf# it reads nothing below /usr/local
install: ## into DESTDIR and PREFIX (/usr/local); on this host (root) also the packages that are missing
	$(if $(DESTDIR),,$(Q)[ "$$(id -u)" != 0 ] || packaging/deps.sh run)
	$(Q)$(BUILD)
	install -d $(DESTDIR)$(PREFIX)/sbin
	install -m755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/sbin
	install -Dm755 $(O)/rnaut $(DESTDIR)$(PREFIX)/bin/rnaut
	install -d $(unit_dir)
	for unit in $(UNITS); do sed 's,/usr/local/,$(PREFIX)/,g' $$unit >$(unit_dir)/$${unit##*/}; done
	install -Dm644 packaging/sysusers.d/rnaut.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/rnaut.conf
	install -Dm644 packaging/network/05-rnaut.network $(DESTDIR)$(PREFIX)/lib/systemd/network/05-rnaut.network
	install -Dm644 packaging/network/networkmanager.conf $(nm_conf)
	install -d $(DESTDIR)$(PREFIX)/share/doc/rnaut
	install -m644 README.md LICENSE docs/* $(DESTDIR)$(PREFIX)/share/doc/rnaut
	$(if $(DESTDIR),,systemd-sysusers $(PREFIX)/lib/sysusers.d/rnaut.conf)
	$(if $(DESTDIR),,[ ! -d /run/systemd/system ] || systemctl daemon-reload)
	@echo 'Next: `rnaut gateway init` makes a network, `rnaut up` joins one, `rnaut doctor` says what is in the way.'
uninstall: ## what install made; the state in /var/lib/rnaut stays
	$(if $(DESTDIR),,[ ! -d /run/systemd/system ] || \
		systemctl disable --now rnautd.target $(notdir $(filter %.service,$(UNITS))))
	$(if $(DESTDIR),,[ ! -x $(PREFIX)/sbin/rnautd ] || $(PREFIX)/sbin/rnautd kern --remove)
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/sbin/,$(notdir $(PROGRAMS)))
	rm -f $(DESTDIR)$(PREFIX)/bin/rnaut $(DESTDIR)$(PREFIX)/lib/sysusers.d/rnaut.conf
	rm -f $(addprefix $(unit_dir)/,$(notdir $(UNITS)))
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/network/05-rnaut.network $(nm_conf)
	rmdir --ignore-fail-on-non-empty -p $(dir $(nm_conf)) 2>/dev/null || true
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/rnaut
	$(if $(DESTDIR),,rm -rf /run/rnaut /sys/fs/bpf/rnaut)

clean: ## remove what was built
	rm -rf build console/dist console/node_modules tests/browser/node_modules
help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'
-include $(shell find $(O) -name '*.d' 2>/dev/null)
.PHONY: all console console-test kern-test fuzz fuzz-programs unit bpf-test verdicts deps \
	 run lab-down test netns vmtest bench lint install uninstall clean help sim flat
