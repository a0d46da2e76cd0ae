/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "role/web.h"

/* The console: files that are part of this program. A path that names none and looks like none is the page's own. */

static const struct web_file *find(const char *path)
{
	const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;

	for (const struct web_file *file = web_files; file->path; file++)
		if (strcmp(file->path, wanted) == 0)
			return file;
	return strchr(strrchr(path, '/'), '.') || strcmp(path, "/") == 0 ? NULL : find("/");
}

/* Entity tags in a list, weak or strong: the same for a file that only ever changes with the program. */
static bool has_tag(const char *list, const char *tag)
{
	return list && (strcmp(list, "*") == 0 || strstr(list, tag));
}

static void give(struct rn_http_request *request, const struct rn_web_head *head, const struct web_file *file)
{
	const bool packed = file->packed != file->packed_end && rn_web_takes_gzip(head->accept_encoding);
	const bool hashed = strncmp(file->path, "/assets/", 8) == 0; /* vite: the name changes with the content */
	char tag[48];
	struct rn_http_header headers[] = {
	    {"ETag", tag}, {"Vary", "Accept-Encoding"}, {packed ? "Content-Encoding" : NULL, "gzip"}, {NULL, NULL}};
	struct rn_http_answer answer = {
	    .status = 200,
	    .type = file->type,
	    .fixed = packed ? file->packed : file->plain,
	    .size = (size_t)(packed ? file->packed_end - file->packed : file->plain_end - file->plain),
	    .headers = headers,
	    .cache = hashed ? "public, max-age=31536000, immutable" : "no-cache",
	};

	snprintf(tag, sizeof(tag), "\"%s%s\"", file->tag, packed ? "-gzip" : "");
	if (has_tag(head->if_none_match, tag)) {
		answer.status = 304;
		answer.fixed = NULL;
		headers[2].name = NULL;
	}
	rn_http_answer(request, &answer);
}

void web_page(struct rn_http_request *request, const struct rn_web_head *head, const char *path, const char *method)
{
	static const struct rn_web_verdict unknown = {404, "not_found", "there is no such page"},
					   method_not = {405, "method_not_allowed",
							 "this path does not know that method"};
	const struct web_file *file = find(path);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		web_refuse(request, method_not, 0, false);
	else if (!file)
		web_refuse(request, unknown, 0, false);
	else
		give(request, head, file);
}
