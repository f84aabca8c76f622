# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What this Debian lacks and another release has: its packages, and programs built from its sources.
# For scripts that read this file with `.`:
#
#   debian_package RELEASE PACKAGE FOLDER
#       Downloads the newest PACKAGE of RELEASE into FOLDER and prints the path of the .deb.
#   debian_source RELEASE SOURCE FOLDER
#       Downloads the newest source package, unpacks it in FOLDER with Debian's patches applied and
#       prints the path of what is unpacked. Needs dpkg-dev.
#   debian_build RELEASE SOURCE RECIPE
#       Prints the prefix under which SOURCE is installed: a folder of the user's cache, named after
#       the version and the recipe. What is there and whole is taken, and no server is asked; else the
#       source is fetched and `RECIPE SOURCE-FOLDER PREFIX` builds and installs it, with DESTDIR in the
#       environment. Half a build leaves nothing but a log, which is shown. A new version is taken when
#       the folder is removed.
#   debian_has PREFIX RECIPE
#       Whether PREFIX (or a link to it) is whole and was made by this recipe. Says nothing.
#
# Nothing of the machine's own apt is changed: sources, indexes and cache are in a temporary folder.
# The mirror is the one that the machine's sources name for its own release. Each index must carry
# the signature of Debian's archive keys, and each file the hash that stands in the index.
# RELEASE is a code name ("trixie": with its updates and its security fixes) or a single suite
# ("bookworm-backports"). All return non-zero and say why on stderr when they fail.

debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg
debian_cache=${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/linnet

debian__fail() {
    printf 'debian: %s\n' "$*" >&2
    return 1
}

# debian__mirror SUFFIX: where the suite CODENAME+SUFFIX of this machine's release comes from.
# Somebody may have written "stable" for the code name.
debian__mirror() {
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    # shellcheck disable=SC2016 # for apt to expand
    apt-get indextargets --no-release-info --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
        awk -v own="$codename$1" -v suffix="$1" '
            $2 == own || $2 == "stable" suffix || $2 == "oldstable" suffix { print $1; exit }'
}

# debian__list KIND RELEASE: the sources, one line for each suite. KIND: deb or deb-src
debian__list() {
    main=$(debian__mirror '')
    security=$(debian__mirror -security)
    [ -n "$main" ] || debian__fail "no mirror: apt's own sources do not name this release" || return
    [ -r $debian_keys ] || debian__fail "no $debian_keys (package debian-archive-keyring)" || return
    echo "$1 [signed-by=$debian_keys] $main $2 main"
    case $2 in *-*) return ;; esac
    echo "$1 [signed-by=$debian_keys] $main $2-updates main"
    [ -z "$security" ] || echo "$1 [signed-by=$debian_keys] $security $2-security main"
}

# debian__apt STATE COMMAND...: an apt command that knows nothing but STATE/sources.list. Root reads
# as root: apt's own user cannot write where the caller wants the files.
debian__apt() {
    state=$1
    command=$2
    shift 2
    "$command" -qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::AllowInsecureRepositories=false \
        -o APT::Get::AllowUnauthenticated=false -o APT::Sandbox::User=root "$@" >&2
}

# debian__fetch KIND RELEASE FOLDER APT-GET-ARGUMENT...: runs apt-get in FOLDER. In a subshell, so
# that its trap is not the caller's.
debian__fetch() (
    kind=$1 release=$2 folder=$3
    shift 3
    state=$(mktemp -d) || exit
    trap 'rm -rf "$state"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$state/lists/partial" "$state/cache" "$folder" || exit
    debian__list "$kind" "$release" >"$state/sources.list" || exit
    debian__apt "$state" apt-get update --error-on=any ||
        debian__fail "the indexes of $release cannot be fetched from the mirror:
$(cat "$state/sources.list")" || exit
    cd "$folder" || exit
    debian__apt "$state" apt-get "$@" || debian__fail "apt-get $*: failed in $release"
)

debian_package() {
    debian__fetch deb "$1" "$3" download "$2" || return
    for file in "$3/$2"_*.deb; do
        [ -e "$file" ] && echo "$file" && return
    done
    debian__fail "no file of $2 came"
}

debian_source() {
    debian__fetch deb-src "$1" "$3" source --only-source "$2" || return
    for folder in "$3/$2"-*/; do
        [ -d "$folder" ] && echo "${folder%/}" && return
    done
    debian__fail "nothing of $2 was unpacked; is dpkg-dev installed?"
}

# debian__tag RECIPE: a few digits that stand for what the recipe says.
debian__tag() { sha256sum "$1" | cut -c 1-8; }

# debian__whole PREFIX: whether every file is as it was installed.
debian__whole() { (cd "$1" && sha256sum --check --status .sums) 2>/dev/null; }

# debian__build_in WORK RELEASE SOURCE RECIPE: what debian_build does when nothing is there yet.
debian__build_in() (
    work=$1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    source=$(debian_source "$2" "$3" "$work/source") || exit
    prefix=$debian_cache/$2/${source##*/}-$(debian__tag "$4")
    mkdir -p "$debian_cache/$2" || exit
    export DESTDIR="$work/root"
    if ! "$4" "$source" "$prefix" >"$prefix.log" 2>&1; then
        tail -n 40 "$prefix.log" >&2
        debian__fail "building $3 of $2 failed; all of it: $prefix.log"
        exit 1
    fi
    (cd "$work/root$prefix" && find . -type f ! -name .sums -exec sha256sum {} + >.sums) ||
        debian__fail "$4 installed nothing in DESTDIR and $prefix" || exit
    # The last step, and one that either happens or does not. Somebody else may have been faster.
    mv -T "$work/root$prefix" "$prefix" 2>/dev/null || debian__whole "$prefix" ||
        debian__fail "$prefix cannot be replaced" || exit
    echo "$prefix"
)

debian_has() {
    case $(readlink -f "$1") in *-"$(debian__tag "$2")") debian__whole "$1" ;; *) return 1 ;; esac
}

debian_build() {
    for prefix in "$debian_cache/$1/$2"-*-"$(debian__tag "$3")"/; do
        [ -d "$prefix" ] || continue
        debian__whole "$prefix" && echo "${prefix%/}" && return
        rm -rf "$prefix"
    done
    mkdir -p "$debian_cache" || return
    work=$(mktemp -d "$debian_cache/work.XXXXXX") || return
    debian__build_in "$work" "$@"
}
