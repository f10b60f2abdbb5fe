# shellcheck shell=bash
# apt.sh: Debian packages for the guests, without touching the machine's package state.
#
# A private apt configuration under the cache: i386 beside amd64, source packages enabled, its own
# lists. Which mirror and release comes from the machine's own apt sources (those whose origin is
# Debian), so no host name is written here. The lists are fetched once and then stay, so that the
# images stay the same until `guests/images --update`.

apt_root=$cache_root/apt

apt_private() {
    local program=$1
    shift
    "$program" -c "$apt_root/apt.conf" -qq "$@"
}

# apt_setup: writes the private configuration and fetches the lists, once.
apt_setup() {
    [ ! -e "$apt_root/ready" ] || return 0
    need apt-get apt-cache dpkg-deb
    mkdir -p "$apt_root"
    exec {apt_lock}>"$apt_root/lock"
    flock "$apt_lock"
    [ -e "$apt_root/ready" ] || apt_write
    exec {apt_lock}>&-
}

apt_write() {
    local uri release component origin
    mkdir -p "$apt_root/lists/partial" "$apt_root/cache/archives/partial"
    : >"$apt_root/status"
    : >"$apt_root/sources.all"
    cat >"$apt_root/apt.conf" <<END
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures { "amd64"; "i386"; };
APT::Get::List-Cleanup "0";
APT::Sandbox::User "$(id -un)";
#clear APT::Update;
Acquire::Languages "none";
Dir::State "$apt_root";
Dir::State::lists "$apt_root/lists";
Dir::State::status "$apt_root/status";
Dir::Cache "$apt_root/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::sourcelist "$apt_root/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
END
    say "fetching Debian's package lists (amd64, i386 and source)"
    # shellcheck disable=SC2016 # apt's own placeholders
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
        'Created-By: Packages' | sort -u >"$apt_root/releases"
    while read -r uri release component origin; do
        [ "$origin" != Debian ] || apt_add "$uri $release $component"
    done <"$apt_root/releases"
    [ -s "$apt_root/sources.all" ] ||
        lacking "Debian's package lists; 'apt-get update' says more"
    mv "$apt_root/sources.all" "$apt_root/sources.list"
    apt_private apt-get check >&2
    date -u +%Y-%m-%d >"$apt_root/ready"
}

# apt_add "URI RELEASE COMPONENT": fetches one release's lists. A mirror may be out of step for one
# architecture; then that release serves only what does not need it, and a line says so.
apt_add() {
    local where=$1 archs keys=/usr/share/keyrings/debian-archive-keyring.gpg signed=
    [ ! -e "$keys" ] || signed=" signed-by=$keys"
    for archs in amd64,i386 amd64; do
        printf '%s\n' "deb [arch=$archs$signed] $where" \
            "deb-src [${signed# }] $where" >"$apt_root/sources.list"
        if apt_private apt-get -o APT::Update::Error-Mode=any update >"$apt_root/update.log" 2>&1
        then
            cat "$apt_root/sources.list" >>"$apt_root/sources.all"
            return 0
        fi
        say "no lists for $archs of ${where#* }:" \
            "$(sed -n '/^E: /{s///; s/ \[IP.*//; p; q}' "$apt_root/update.log")"
    done
    say "${where#* } is left out; older versions of its packages may be used"
}

# apt_memo QUERY PACKAGE: what QUERY prints for a package, asked once as the lists do not change.
apt_memo() {
    local answer=$apt_root/answers/$1-$2
    apt_setup
    if [ ! -s "$answer" ]; then
        mkdir -p "${answer%/*}"
        "$1" "$2" >"$answer.$$" 2>/dev/null || true
        [ -s "$answer.$$" ] || lacking "package '$2': it is not in the lists of $apt_root/sources.list"
        mv "$answer.$$" "$answer"
    fi
    cat "$answer"
}

# deb_id PACKAGE: "deb NAME VERSION SHA256", for an `inputs` text.
deb_id() {
    apt_memo apt_show_id "$1"
}

apt_show_id() {
    apt_private apt-cache show --no-all-versions "$1" |
        awk '/^Package:/ { p = $2 } /^Version:/ { v = $2 } /^SHA256:/ { s = $2 }
             END { if (s != "") print "deb", p, v, s }'
}

# deb_depends PACKAGE: the packages it depends on, in the lists' words.
deb_depends() {
    apt_memo apt_show_depends "$1"
}

apt_show_depends() {
    apt_private apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p'
}

# deb_unpack PACKAGE DIR: fetches a binary package (apt checks its hash) and unpacks it into DIR.
deb_unpack() {
    local package=$1 into=$2 fetch
    fetch=$(mktemp -d "$into/.deb.XXXXXX")
    (cd "$fetch" && apt_private apt-get download "$package") ||
        lacking "package '$package'; if the lists are old, run guests/images --update"
    dpkg-deb -x "$fetch"/*.deb "$into"
    rm -rf "$fetch"
}

# src_id PACKAGE: "src FILE SHA256" for each file of a source package, for an `inputs` text.
src_id() {
    apt_memo apt_source_id "$1"
}

apt_source_id() {
    apt_private apt-get source --download-only --print-uris "$1" | awk '{ print "src", $2, $4 }'
}

# src_unpack PACKAGE DIR: fetches a source package and unpacks it, with Debian's patches, as DIR.
src_unpack() {
    local package=$1 into=$2 fetch
    need dpkg-source
    fetch=$(mktemp -d "${into%/*}/.src.XXXXXX")
    (cd "$fetch" && apt_private apt-get source --download-only "$package") ||
        lacking "source package '$package'; if the lists are old, run guests/images --update"
    dpkg-source --no-check -x "$fetch"/*.dsc "$into"
    rm -rf "$fetch"
}
