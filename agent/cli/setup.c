/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/device_options.h"
#include "cli/input.h"
#include "sys/files.h"
#include "sys/reach.h"

#define TREE_DEPTH 8
#define MARK "attempt" /* at what: in the directory that is being built */
#define MARK_MAX 256

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, TREE_DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int sync_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), code = 0;

	(void)st;
	(void)type;
	(void)at;
	if (fd < 0 || fsync(fd) < 0)
		code = errno;
	if (fd >= 0)
		close(fd);
	return code;
}

/* Whatever stands there, even what cannot be read: a state is never built over. */
static int check_absent(struct rn_cli *cli, const char *state)
{
	struct rn_anchor anchor;
	struct rn_self self;
	struct rn_err err = {""};
	struct stat st;

	if (lstat(state, &st) < 0 && errno == ENOENT)
		return RN_EXIT_OK;
	if (rn_self_load(&cli->conf, &self, &anchor, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED,
				   "this host has a state already, which does not load: %s; remove %s to start anew",
				   err.text, state);
	return rn_cli_fail(RN_EXIT_FAILED, "this host is already %s \"%s\": stop rnautd and remove %s to start anew",
			   self.gateway ? "a gateway, named" : "part of a network, as", self.name, state);
}

static int check_port(uint16_t port, const char *key)
{
	int code = rn_reach_port_free(port);

	if (code == -EADDRINUSE)
		return rn_cli_fail(RN_EXIT_FAILED, "UDP port %u is in use on this host: set \"%s\" in %s to another",
				   port, key, RN_CONF_PATH);
	if (code < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "UDP port %u cannot be used: %s", port, strerror(-code));
	return RN_EXIT_OK;
}

static int check_ports(const struct rn_conf *conf)
{
	int code;

	if (conf->wireguard_port == conf->control_port)
		return rn_cli_fail(RN_EXIT_FAILED,
				   "\"wireguard_port\" and \"control_port\" are both %u in %s: choose two",
				   conf->control_port, RN_CONF_PATH);
	code = check_port(conf->control_port, "control_port");
	return code ? code : check_port(conf->wireguard_port, "wireguard_port");
}

/* Who may write in the directory could put links where we build. */
static int check_parent(const struct rn_setup *s)
{
	struct stat st;

	if (fstat(s->lock, &st) == 0 && st.st_uid == 0 && (st.st_mode & (st.st_gid ? 022 : 002)) == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED,
			   "%s must belong to root and be writable by nobody else: chown root, chmod 755", s->parent);
}

static int lock_parent(struct rn_setup *s)
{
	int code;

	if (mkdir(s->parent, 0755) < 0 && errno != EEXIST)
		return rn_cli_fail(RN_EXIT_FAILED, "%s cannot be made: %s", s->parent, strerror(errno));
	s->lock = open(s->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s cannot be opened: %s", s->parent, strerror(errno));
	code = check_parent(s);
	if (!code && flock(s->lock, LOCK_EX | LOCK_NB) < 0)
		code = rn_cli_fail(RN_EXIT_FAILED, "another rnaut is setting up this host: wait until it has ended");
	if (!code)
		return RN_EXIT_OK;
	close(s->lock);
	s->lock = -1;
	return code;
}

/* Of this very attempt. What belongs to nobody but root has not been touched by anybody else. */
static bool was_left(const struct rn_setup *s, const char *mark)
{
	char path[400], text[MARK_MAX + 1];
	struct stat st;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/" MARK, s->building);
	if (lstat(s->building, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) ||
	    rn_file_read(path, text, MARK_MAX, &size) < 0)
		return false;
	text[size] = 0;
	return strcmp(text, mark) == 0;
}

static int make_building(struct rn_setup *s, const char *mark)
{
	char path[400];
	int code = 0;

	s->marked = mark != NULL;
	if (mark && was_left(s, mark))
		return 0;
	remove_tree(s->building);
	if (mkdir(s->building, 0755) < 0 || chmod(s->building, 0755) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/" MARK, s->building);
	if (mark)
		code = rn_file_write(path, mark, strlen(mark), 0600);
	return code;
}

int rn_setup_begin(struct rn_cli *cli, const char *mark, struct rn_setup *ret)
{
	struct rn_err err = {""};
	int code = rn_cli_need_root("set up a host");

	ret->lock = -1;
	snprintf(ret->parent, sizeof(ret->parent), "%s", cli->conf.state_dir);
	snprintf(ret->building, sizeof(ret->building), "%s/.state-new", ret->parent);
	snprintf(ret->state, sizeof(ret->state), "%s/state", ret->parent);
	if (!code)
		code = check_absent(cli, ret->state);
	if (!code && rn_owners_of_host(&ret->owners, &err) < 0)
		code = rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	if (!code)
		code = check_ports(&cli->conf);
	if (!code)
		code = lock_parent(ret);
	if (code)
		return code;
	code = make_building(ret, mark);
	if (code == 0)
		return RN_EXIT_OK;
	code = rn_cli_fail(RN_EXIT_FAILED, "%s cannot be made: %s", ret->building, strerror(-code));
	rn_setup_abandon(ret);
	return code;
}

void rn_setup_leave(struct rn_setup *setup)
{
	if (setup->lock >= 0)
		close(setup->lock);
	setup->lock = -1;
}

void rn_setup_abandon(struct rn_setup *setup)
{
	if (setup->lock < 0)
		return;
	remove_tree(setup->building);
	rn_setup_leave(setup);
}

int rn_setup_commit(struct rn_setup *setup)
{
	int code = nftw(setup->building, sync_one, TREE_DEPTH, FTW_PHYS);
	char mark[400];

	if (code == 0 && rename(setup->building, setup->state) < 0)
		code = errno;
	snprintf(mark, sizeof(mark), "%s/" MARK, setup->state);
	if (code == 0 && setup->marked)
		unlink(mark);
	if (code == 0)
		fsync(setup->lock);
	/* Somebody may have taken this host for good already: the next attempt goes on from here. */
	if (setup->marked)
		rn_setup_leave(setup);
	else
		rn_setup_abandon(setup);
	if (code == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED, "%s cannot be written: %s", setup->state, strerror(code < 0 ? errno : code));
}

/* One flat directory: its files and itself. */
static int own_directory(const char *path, const struct rn_owner *owner)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int code = 0;

	if (!directory)
		return -errno;
	while (code == 0 && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fchownat(dirfd(directory), entry->d_name, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		    fchmodat(dirfd(directory), entry->d_name, 0600, 0) < 0)
			code = -errno;
	}
	if (code == 0 && (fchown(dirfd(directory), owner->uid, owner->gid) < 0 || fchmod(dirfd(directory), 0700) < 0))
		code = -errno;
	closedir(directory);
	return code;
}

int rn_setup_own(struct rn_setup *setup, const char *name, const struct rn_owner *owner)
{
	char path[400];
	int code;

	snprintf(path, sizeof(path), "%s/%s", setup->building, name);
	code = own_directory(path, owner);
	if (code == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED, "%s cannot be given to its user: %s", path, strerror(-code));
}

int rn_setup_endpoint(const struct rn_cli *cli, bool needed, struct rn_addr *ret)
{
	const char *text = rn_cli_option(cli, "endpoint");
	struct rn_endpoint endpoint;

	if (!text && !needed)
		return RN_EXIT_OK;
	if (!text)
		return rn_cli_fail(RN_EXIT_USAGE,
				   "--endpoint is needed: the address at which other hosts reach this one");
	if (rn_endpoint_parse(text, &endpoint) == 0)
		return rn_cli_fail(RN_EXIT_USAGE, "--endpoint takes an address without a port: ports are set in %s",
				   RN_CONF_PATH);
	if (rn_addr_parse(text, ret) < 0 || !rn_addr_is_host(ret))
		return rn_cli_fail(
		    RN_EXIT_USAGE,
		    "--endpoint %s is not an address that other hosts can reach, such as 192.0.2.1 or 2001:db8::1",
		    text);
	return RN_EXIT_OK;
}

int rn_setup_name(const struct rn_cli *cli, const char *fallback, char ret[RN_NAME_MAX + 1])
{
	const char *name = rn_cli_option(cli, "name");

	if (!name && fallback && *fallback)
		name = fallback;
	if (name)
		snprintf(ret, RN_NAME_MAX + 1, "%s", strlen(name) > RN_NAME_MAX ? "" : name);
	else
		rn_input_host_name(ret, RN_NAME_MAX + 1);
	return rn_check_name(name ? "--name" : "this host's name (choose one with --name)", ret);
}
