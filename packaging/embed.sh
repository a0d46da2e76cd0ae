#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh DIRECTORY WORK: the files of a directory as a C table (struct web_file, agent/role/web.h) on standard output;
# WORK gets what the C compiler reads. Where the directory is absent: one page that says how to build the console.
set -eu
directory=$1 work=$2

type_of() {
	case $1 in
	*.html) echo 'text/html; charset=utf-8' ;;
	*.js | *.mjs) echo 'text/javascript; charset=utf-8' ;;
	*.css) echo 'text/css; charset=utf-8' ;;
	*.svg) echo 'image/svg+xml' ;;
	*.png) echo 'image/png' ;;
	*.ico) echo 'image/x-icon' ;;
	*.woff2) echo 'font/woff2' ;;
	*.json | *.webmanifest) echo 'application/json' ;;
	*.txt) echo 'text/plain; charset=utf-8' ;;
	*) echo 'application/octet-stream' ;;
	esac
}

rm -rf "$work"
mkdir -p "$work"
if [ -f "$directory/index.html" ]; then
	cp -R "$directory/." "$work/plain"
else
	mkdir "$work/plain"
	cp packaging/console/index.html "$work/plain/index.html"
fi

echo '/* Made by packaging/embed.sh. */'
echo '#include "role/web.h"'
table=
number=0
# Names are vite's: no blanks. Maps are for people who build, not for those who visit.
for path in $(cd "$work/plain" && find . -type f ! -name '*.map' | sed 's/^\.//' | LC_ALL=C sort); do
	file=$work/plain$path packed=$work/$number.gz
	gzip -9nc "$file" >"$packed"
	[ "$(wc -c <"$packed")" -lt "$(wc -c <"$file")" ] || : >"$packed"
	tag=$(sha256sum "$file" | cut -c 1-32)
	for kind in plain packed; do
		[ $kind = plain ] && source=$file || source=$packed
		printf '__asm__(".section .rodata\\n.balign 16\\nweb_%s_%s:\\n.incbin \\"%s\\"\\n' $number $kind "$source"
		printf 'web_%s_%s_end:\\n.byte 0\\n.previous\\n");\n' $number $kind
		printf 'extern const uint8_t web_%s_%s[], web_%s_%s_end[];\n' $number $kind $number $kind
	done
	table="$table    {\"$path\", \"$(type_of "$path")\", \"$tag\", web_${number}_plain, web_${number}_plain_end, \
web_${number}_packed, web_${number}_packed_end},
"
	number=$((number + 1))
done
printf 'const struct web_file web_files[] = {\n%s    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},\n};\n' "$table"
