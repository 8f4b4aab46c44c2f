# shellcheck shell=bash
# roots.sh: minimal Debian systems, each in a folder of its own. Source it after scripts/common.sh.
# Root only. Where mounts are made, be in a mount namespace of your own (in_namespace), so that
# they end with the process, however it ends.

# Outside the clone, so that the next run is quick; removing it does no harm.
cache=${LAMINA_CI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lamina-ci}

# table_row SYSTEM USER COMMAND SECONDS RESULT: of the table that each check with a root of its own
# prints at its end.
table_row() {
  printf '%-16s  %-8s  %-45.45s  %7s  %s\n' "$@"
}

# table_head: what its columns are.
table_head() {
  table_row system user command seconds result
}

# codename VERSION
codename() {
  case $1 in
  12) echo bookworm ;;
  13) echo trixie ;;
  *) fail "no code name of Debian $1 is known here" ;;
  esac
}

# apt_options: how this machine reaches the package source (proxies, time limits), as apt has it.
apt_options() {
  apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv|Max-FutureTime)' || true
}

# suites: lines "URI -updates-or-so" of the parts of this machine's package source that are Debian's.
suites() {
  apt-get update --print-uris | sed -nE \
    "s/^'(.*\/)dists\/(bookworm|trixie|oldstable|stable)(|-updates|-security)\/InRelease' .*/\1 \3/p"
}

# has_suite URI SUITE: 0 when it is there, 1 when the source says that it is not; a source that
# does not answer is a fault and ends the script.
has_suite() {
  local answer folder status=0
  folder=$(mktemp -d)
  chmod 755 "$folder" # apt's user _apt
  answer=$(/usr/lib/apt/apt-helper download-file "$1dists/$2/InRelease" "$folder/InRelease" 2>&1) ||
    status=$?
  rm -rf "$folder"
  if ((status == 0)); then
    return 0
  elif grep -qE '\b(404|410) |File not found' <<<"$answer"; then
    return 1
  fi
  fail "$1dists/$2/InRelease: $answer"
}

# sources_of CODENAME: the lines of a sources.list; nothing where the source lacks the release.
sources_of() {
  local uri part listed lines="" whole=""
  listed=$(suites)
  [[ -n $listed ]] || fail "apt knows no source of Debian's packages: see /etc/apt"
  while read -r uri part; do
    if has_suite "$uri" "$1$part"; then
      lines+="deb $uri $1$part main"$'\n'
      [[ -n $part ]] || whole=yes
    fi
  done <<<"$listed"
  [[ -z $whole ]] || printf '%s' "$lines"
}

# make_root CODENAME DIR SOURCES: a system of nothing but essential packages and apt, without
# package lists, as of today; DIR must not exist.
make_root() {
  local name=$1 dir=$2 sources=$3 tarball options
  options=$(apt_options)
  tarball=$cache/$name-$(date -u +%Y-%m-%d)-$(sha256sum <<<"$sources$options" | head -c 12).tar
  if [[ ! -e $tarball ]]; then
    mkdir -p "$cache"
    find "$cache" -maxdepth 1 -name "$name-*.tar*" -delete
    printf '%s\n' "$options" >"$tarball.apt.conf"
    mmdebstrap --variant=apt --format=tar --dpkgopt=force-unsafe-io \
      --aptopt="$tarball.apt.conf" "$name" "$tarball.$$" - \
      <<<"$sources"
    mv "$tarball.$$" "$tarball"
  fi
  mkdir -p "$dir"
  tar -x -C "$dir" -f "$tarball" --exclude='./dev/*'
  rm -rf "$dir"/var/lib/apt/lists/*
  cp -L /etc/resolv.conf /etc/hosts "$dir/etc/"
}

# mount_root DIR: what programs expect to find, and packages that were downloaded before.
mount_root() {
  mount -t proc proc "$1/proc"
  mount -t sysfs -o ro sysfs "$1/sys"
  mount --rbind /dev "$1/dev"
  mkdir -p "$cache/archives-${1##*/}"
  mount --bind "$cache/archives-${1##*/}" "$1/var/cache/apt/archives"
}

# in_namespace COMMAND...: with mounts and processes that end when it ends.
in_namespace() {
  unshare --mount --pid --fork --kill-child --propagation private "$@"
}
