# shellcheck shell=bash
# common.sh: what scripts/demo, scripts/check and .ci/run share. Source it; it sets $root, $build.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${LAMINA_BUILD:-$root/build}

# A TMPDIR that is not there would stop everything that follows.
if [[ -n ${TMPDIR:-} && ! (-d $TMPDIR && -w $TMPDIR) ]]; then
  printf 'TMPDIR=%s is no folder to write to: /tmp instead\n' "$TMPDIR" >&2
  unset TMPDIR
fi

say() {
  printf '%s\n' "$*"
}

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# quietly COMMAND...: runs it with its output in a log that is shown only when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status)); then
    printf 'failed with status %s: %s\n' "$status" "$*" >&2
    tail -n 100 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

# packages_of SECTION...: lines "PACKAGE COMMAND-or-nothing" of scripts/packages.
packages_of() {
  awk -v wanted=" $* " '
    { sub(/#.*/, "") }
    /^\[/ { gsub(/[][ \t]/, ""); section = $0; next }
    NF && index(wanted, " " section " ") { print $1, $2 }' "$root/scripts/packages"
}

# missing SECTION...: the packages of these sections that are not installed, one per line. Where
# there is no dpkg nobody can tell by package, and the build itself says what it lacks.
missing() {
  local package command
  command -v dpkg-query >/dev/null || return 0
  packages_of "$@" | while read -r package command; do
    if [[ -n $command ]] && command -v "$command" >/dev/null; then
      continue
    fi
    # shellcheck disable=SC2016 # the ${...} is dpkg-query's
    if [[ " $(dpkg-query -W -f='${db:Status-Status} ' "$package" 2>/dev/null)" != *" installed "* ]]; then
      printf '%s\n' "$package"
    fi
  done
}

# privileged COMMAND...: as root, through sudo if need be; 127 where neither can be had.
privileged() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  elif command -v sudo >/dev/null && [[ -t 0 && -t 2 ]]; then
    sudo -p 'sudo password of %u, to install packages: ' true && sudo -n "$@"
  else
    return 127
  fi
}

apt_install() {
  privileged env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@"
}

apt_updated=
# apt_try PACKAGE...: installs, after one apt-get update a run if the lists at hand do not do.
apt_try() {
  apt_install "$@" </dev/null && return 0
  if [[ -z $apt_updated ]]; then
    apt_updated=yes
    privileged apt-get -q -o DPkg::Lock::Timeout=120 update </dev/null && apt_install "$@" </dev/null
  else
    return 1
  fi
}

# install_command PACKAGE...: what an administrator types here to have them; it does where package
# lists are empty, as on a system just installed.
install_command() {
  local as_root=
  if command -v sudo >/dev/null; then
    as_root="sudo "
  fi
  printf '%sapt-get update && %sapt-get install -y --no-install-recommends %s\n' \
    "$as_root" "$as_root" "$*"
}

# need REQUIRED-SECTIONS [OPTIONAL-SECTIONS]: each a string of section names. Installs what is
# missing; exits 1 when something required stays missing, continues without the rest.
need() {
  local required=$1 optional=${2:-} log
  local -a all must
  # shellcheck disable=SC2086 # section names, to be split
  mapfile -t all < <(missing $required $optional)
  if ((${#all[@]} == 0)); then
    return 0
  fi
  if ! command -v apt-get >/dev/null || ! privileged true; then
    say "These packages are missing: ${all[*]}"
    say "This script may not install them (no root, no sudo). Ask an administrator to run:"
    say "    $(install_command "${all[@]}")"
  else
    say "Installing ${all[*]} ..."
    log=$(mktemp)
    if ! apt_try "${all[@]}" >"$log" 2>&1; then
      install_one_by_one "$required" "$optional" >>"$log" 2>&1
    fi
  fi
  # shellcheck disable=SC2086
  mapfile -t must < <(missing $required)
  if ((${#must[@]})); then
    if [[ -n ${log:-} ]]; then
      tail -n 60 "$log" >&2
      rm -f "$log"
    fi
    fail "cannot continue without: ${must[*]}"
  fi
  # shellcheck disable=SC2086
  mapfile -t all < <(missing $optional)
  if ((${#all[@]})); then
    say "Going on without: ${all[*]}"
  fi
  rm -f "${log:-}"
}

# need_for REQUIRED-SECTIONS: what scripts/demo and scripts/check install or ask for: one list, so
# that whoever has run one has what the other needs.
need_for() {
  local section
  local -a rest=()
  for section in required files optional tests data; do
    [[ " $1 " == *" $section "* ]] || rest+=("$section")
  done
  need "$1" "${rest[*]}"
}

# When all at once did not work: what is required in one go, then each optional one by itself.
install_one_by_one() {
  local package
  local -a some
  # shellcheck disable=SC2086
  mapfile -t some < <(missing $1)
  if ((${#some[@]})); then
    apt_try "${some[@]}" || true
  fi
  # shellcheck disable=SC2086
  for package in $(missing $2); do
    apt_try "$package" || true
  done
}

# runs_programs DIR: whether a program in DIR may be run; not where it is mounted noexec.
runs_programs() {
  local program status=0
  program=$(mktemp "$1/lamina-XXXXXX") || return
  printf '#!/bin/sh\n' >"$program"
  chmod 700 "$program"
  "$program" 2>/dev/null || status=$?
  rm -f "$program"
  return "$status"
}

# cores: number of jobs for ninja.
cores() {
  getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}

# set_up DIR OPTION...: configures a build directory, or brings an old one up to date. What an
# older or newer Meson left behind is thrown away.
set_up() {
  local dir=$1
  shift
  if [[ -e $dir/meson-private/coredata.dat ]]; then
    if (cd "$root" && meson setup --reconfigure "$@" "$dir") >/dev/null 2>&1 </dev/null; then
      return 0
    fi
    rm -rf "$dir"
  elif [[ -e $dir && -n $(ls -A "$dir") && ! -e $dir/build.ninja && ! -e $dir/meson-private ]]; then
    fail "$dir exists and is no build directory: remove it or set LAMINA_BUILD"
  fi
  (cd "$root" && quietly meson setup "$@" "$dir")
}

# compile DIR TARGET...: builds, all targets when none is named.
compile() {
  local dir=$1
  shift
  quietly meson compile -C "$dir" -j "$(cores)" "$@"
}

# compile_all DIR: also what is built for tests and benchmarks alone.
compile_all() {
  quietly ninja -C "$1" -j "$(cores)" all meson-test-prereq meson-benchmark-prereq
}
