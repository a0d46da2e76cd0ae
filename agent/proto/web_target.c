/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/web_target.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255
#define PORT_DIGITS 5

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character, decoded: how many bytes of text it took, or -EINVAL. */
static int decode(const char *text, char *ret)
{
	int high, low;

	if (text[0] != '%') {
		*ret = text[0];
		return text[0] > 0x20 && text[0] < 0x7f ? 1 : -EINVAL;
	}
	high = hex(text[1]);
	low = high < 0 ? -1 : hex(text[2]);
	if (low < 0)
		return -EINVAL;
	*ret = (char)(high << 4 | low);
	return (unsigned char)*ret >= 0x20 && *ret != 0x7f ? 3 : -EINVAL;
}

static bool has_dots(const char *path)
{
	for (const char *at = path; (at = strchr(at, '/'));) {
		size_t size = strcspn(++at, "/");

		if ((size == 1 && at[0] == '.') || (size == 2 && at[0] == '.' && at[1] == '.'))
			return true;
	}
	return false;
}

static int read_path(const char **text, char *path, size_t size)
{
	size_t at = 0;

	while (**text && **text != '?') {
		char c;
		int used = **text == '#' ? -EINVAL : decode(*text, &c);

		if (used < 0 || (used == 3 && c == '/'))
			return -EINVAL;
		if (at + 1 >= size)
			return -EMSGSIZE;
		path[at++] = c;
		*text += used;
	}
	path[at] = '\0';
	return path[0] != '/' || has_dots(path) ? -EINVAL : 0;
}

/* One parameter from text up to '&': name, NUL, value, NUL. */
static int read_parameter(const char **text, uint8_t *out, size_t size, size_t *at)
{
	bool value = false;

	for (; **text && **text != '&';) {
		char c = ' ';
		int used = **text == '+' ? 1 : **text == '#' ? -EINVAL : decode(*text, &c);

		if (used < 0)
			return -EINVAL;
		if (*at + 3 > size) /* this one and what ends name and value */
			return -EMSGSIZE;
		if (used == 1 && c == '=' && !value) {
			value = true;
			c = '\0';
		}
		out[(*at)++] = (uint8_t)c;
		*text += used;
	}
	if (!value)
		out[(*at)++] = '\0';
	out[(*at)++] = '\0';
	return 0;
}

int rn_web_target(const char *target, char *path, size_t path_size, uint8_t *query, size_t query_size,
		  size_t *ret_query_size)
{
	const char *text = target;
	size_t at = 0;
	int r = read_path(&text, path, path_size);

	while (r == 0 && *text) {
		text++; /* '?' or '&' */
		if (*text && *text != '&')
			r = read_parameter(&text, query, query_size, &at);
	}
	*ret_query_size = r == 0 ? at : 0;
	return r;
}

/* Where the port begins: at its colon, or at the end. NULL: it is no host. */
static const char *port_of(const char *host)
{
	static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	const char *end;

	if (host[0] == '[') {
		size_t size = strspn(host + 1, "0123456789abcdefABCDEF:.");

		end = host + 1 + size;
		return size >= 2 && *end == ']' ? end + 1 : NULL;
	}
	end = host + strspn(host, name_bytes);
	return end == host || host[0] == '.' || host[0] == '-' ? NULL : end;
}

static bool port_good(const char *port)
{
	size_t digits = *port == ':' ? strspn(port + 1, "0123456789") : 0;

	return !*port || (digits >= 1 && digits <= PORT_DIGITS && !port[1 + digits]);
}

bool rn_web_host_valid(const char *host)
{
	const char *port = strlen(host) <= HOST_MAX ? port_of(host) : NULL;

	return port && port_good(port);
}

bool rn_web_host_local(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i]);

		if (strncasecmp(host, names[i], size) == 0 && port_good(host + size))
			return true;
	}
	return false;
}

bool rn_web_origin_same(const char *origin, const char *host, bool secure)
{
	const char *scheme = secure ? "https://" : "http://";
	size_t size = strlen(scheme);

	return strncmp(origin, scheme, size) == 0 && strcasecmp(origin + size, host) == 0;
}
