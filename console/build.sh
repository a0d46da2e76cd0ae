#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh: console/dist from the sources. Where npm cannot fetch its packages rnautd is built without its page.
set -eu
cd "$(dirname "$0")"

if ! cmp -s package-lock.json node_modules/.rnaut-lock; then
	if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
		echo "console: npm could not install its packages (why is above); rnautd is built without the console's page." >&2
		rm -rf dist
		mkdir dist
		cp ../packaging/console/index.html dist/
		touch -d @0 dist/index.html # so that the next make tries again
		exit 0
	fi
	cp package-lock.json node_modules/.rnaut-lock
fi
npm run --silent build
touch dist/index.html
