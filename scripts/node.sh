#!/bin/sh
# Runs its arguments with a Node that is new enough, bringing along what is missing:
# a pinned Node binary in .tools/ (an npm package, so no download besides the registry) and the dependencies.
# Usage: scripts/node.sh FILE [ARG ...], or scripts/node.sh --setup to install only.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
tools=$root/.tools
lock=$tools/lock

# The pinned Node trusts the machine's certificate authorities as well, as Debian's Node, curl and git do: behind a company's
# proxy npm could not install otherwise.
NODE_USE_SYSTEM_CA=${NODE_USE_SYSTEM_CA:-1}
export NODE_USE_SYSTEM_CA

# One install at a time, however many commands start together. The lock is a dangling link that names
# its holder: making it is atomic, and a holder that was killed is seen to be dead.
locked() {
  told=
  until ln -s "$$" "$lock" 2>/dev/null; do
    holder=$(readlink "$lock" 2>/dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
      rm -f "$lock"
    else
      [ -n "$told" ] || echo "Waiting for the install that process ${holder:-?} is doing (if there is none: rm $lock) ..." >&2
      told=yes
      sleep 1
    fi
  done
  trap 'rm -f "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  "$@"
  rm -f "$lock"
  trap - EXIT INT TERM HUP
}

# npm ci in folder $1, again after a pause when the registry stumbles.
npm_ci() {
  folder=$1
  shift
  for pause in 2 8 0; do
    if (cd "$folder" && npm ci --loglevel=error "$@" >&2); then return 0; fi
    [ "$pause" = 0 ] || { echo "npm ci failed; again in $pause s ..." >&2; sleep "$pause"; }
  done
  echo "The install failed three times; npm's reason is above. Is the npm registry reachable, by HTTPS_PROXY where there is a proxy? An authority of your own: NODE_EXTRA_CA_CERTS=file.pem." >&2
  return 1
}

new_enough() { "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' 2>/dev/null; }
own_node() { find "$tools/node_modules" -path '*/node-*/bin/node' -type f 2>/dev/null | head -n 1; }

node_ready() { cmp -s "$root/scripts/toolchain/package-lock.json" "$tools/installed-lock.json"; }
install_node() {
  if node_ready; then return 0; fi
  echo "Installing the pinned Node into .tools/ (once, about 190 MB) ..." >&2
  cp "$root/scripts/toolchain/package.json" "$root/scripts/toolchain/package-lock.json" "$root/scripts/toolchain/.npmrc" "$tools/"
  npm_ci "$tools" --ignore-scripts
  [ -n "$(own_node)" ] || { echo "There is no pinned Node for this machine: install Node 24 or newer." >&2; return 1; }
  cp "$tools/package-lock.json" "$tools/installed-lock.json"
}

# The copy of the lock file answers in a millisecond; after an "npm install NAME" it is out of date though
# nothing is missing, which npm's own record of what it installed tells.
dependencies_ready() {
  cmp -s "$root/package-lock.json" "$root/node_modules/.installed-lock" && return 0
  node -e '
    const { readFileSync } = require("node:fs")
    const read = file => JSON.parse(readFileSync(process.argv[1] + file, "utf8")).packages
    const have = read("/node_modules/.package-lock.json")
    for (const [path, want] of Object.entries(read("/package-lock.json")))
      if (path && (have[path] ? have[path].version !== want.version : !want.optional)) process.exit(1)
  ' "$root" 2>/dev/null || return 1
  cp "$root/package-lock.json" "$root/node_modules/.installed-lock"
}
install_dependencies() {
  if dependencies_ready; then return 0; fi
  echo "Installing the dependencies ..." >&2
  npm_ci "$root" --ignore-scripts # packages run nothing at install; the one that needs to is PostgreSQL's, done next
  node "$root/scripts/embedded.ts" prepare
  cp "$root/package-lock.json" "$root/node_modules/.installed-lock"
}

mkdir -p "$tools"
if ! new_enough node; then
  node_ready || locked install_node
  PATH=$(dirname "$(own_node)"):$PATH
  export PATH
fi
dependencies_ready || locked install_dependencies
[ "${1:-}" = "--setup" ] && exit 0
exec node "$@"
