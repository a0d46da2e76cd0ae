/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_FILES_H
#define RN_SYS_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whole files, bounded in, whole or not at all out. Symbolic links as the last component are not followed. */

/* Reads a regular file of at most size bytes: 0, -errno, -EFBIG where it is larger. */
int rn_file_read(const char *path, void *out, size_t size, size_t *ret_size);
/* The same where the file must have exactly size bytes; -EBADMSG otherwise. For keys. */
int rn_file_read_exact(const char *path, void *out, size_t size);
/* A file of at most max bytes as heap text with a NUL after it; the caller frees. 0 or -errno. */
int rn_file_read_text(const char *path, size_t max, char **ret, size_t *ret_size);
/*
 * Replaces the file: written beside as PATH.new, synced, renamed over, the directory synced. On failure the old file
 * is as it was and nothing is left beside it. 0 or -errno (-ENOSPC).
 */
int rn_file_write(const char *path, const void *data, size_t size, mode_t mode);
/* Makes the directory with this owner and mode, or gives an existing one of ours or root's these. 0, -ENOTDIR, -errno. */
int rn_directory_make(const char *path, mode_t mode, uid_t uid, gid_t gid);
/* "DIR/NAME" in out; -ENAMETOOLONG. */
int rn_path_join(char *out, size_t size, const char *directory, const char *name);
#define RN_PATH_SIZE 512

#endif
