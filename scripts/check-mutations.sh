#!/usr/bin/env bash
# Builds the library with one deliberate mistake after the other (mutations/*.patch) and runs this project's own suite on
# each: a mistake that nothing notices is a hole in the tests, and fails this run. So does a patch that no longer applies.
#
#   scripts/check-mutations.sh [NAME...]     all of them, or these
#
#   RESUME=1     go on where a run of the same sources was interrupted
#
# The C programs run first, preloaded and linked, on the system's libssl; what none of them notices is for the unit tests,
# and then for the tests of the log and of strange surroundings. A full run writes its table into docs/conformance.md,
# between the lines <!-- mutations --> and <!-- /mutations -->.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$PWD/${CARGO_TARGET_DIR:-target}/mutations
case ${CARGO_TARGET_DIR:-} in /*) work=$CARGO_TARGET_DIR/mutations ;; esac
tree=$work/tree
library=$work/libsesscache.so
log=$work/log
# A mistake's row of the table, if it was tried on the sources that `$rows/sources` names.
rows=$work/rows
# A mistake may well be an endless wait: seconds for a whole suite. That of the C programs is set by what they usually take.
limit=300
waiting='the rest waits for ever'
export CARGO_TARGET_DIR=$work/build SESSCACHE_LIB=$library
# What is built many times is better built fast. The dependencies are built once.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1

die() { echo "check-mutations: $*" >&2; exit 1; }

copy_tree() {
    rm -rf "$tree"
    mkdir -p "$tree" "$log"
    tar -c --exclude=./target --exclude=./.git --exclude=./fuzz/target . | tar -x -C "$tree"
    # Older than what was built of the last mistake, they would pass for built.
    find "$tree/src" -name '*.rs' -exec touch {} +
}

build_library() {
    (cd "$tree" && cargo rustc --quiet --release --lib --crate-type cdylib) 2>"$log/build" || return 1
    # Under a new inode: a program of the last run may still have the old one mapped.
    cp "$CARGO_TARGET_DIR/release/libsesscache.so" "$library.new"
    mv "$library.new" "$library"
}

# The test binary of this name. It is a black box's: the same for every mistake.
test_binary() {
    (cd "$tree" && cargo test --no-default-features --test "$1" --no-run) 2>&1 |
        sed -n 's/^ *Executable .*(\(.*\))$/\1/p' | sed "s|^[^/]|$tree/&|"
}

# All C programs, each preloaded and linked. What is still running at the end of the limit has noticed something, too.
c_suite() {
    setsid "$c_programs" ::system:: --skip ::stock --skip ::memcheck --skip ::helgrind --skip ::drd \
        --skip ::noticed --skip ::diagnostics --skip threads >"$log/c" 2>&1 &
    local session=$!
    timeout "$limit" tail --pid=$session -f /dev/null || {
        ps -o pid= -s $session | xargs -r kill -9 2>/dev/null || true
        echo "test $waiting ... FAILED" >>"$log/c"
    }
    wait $session 2>/dev/null || [ -s "$log/c" ]
}

failures() { sed -n 's/^test \(.*[^ ]\) *\.\.\. FAILED.*/\1/p' "$1" | sort; }

# The unit test that notices first, for each release that the fake libssl plays. False if that cannot be told.
unit_suite() {
    local release name status
    (cd "$tree" && cargo test --no-default-features --lib --no-run) >"$log/unit" 2>&1 || return 1
    for release in 3.0 1.1.1 3.5 4.0; do
        status=0
        (cd "$tree" && SESSCACHE_FAKE_VERSION=$release timeout 600 cargo test --no-default-features --lib -- \
            --skip shim::tests::releases --skip fuzz::) >"$log/unit" 2>&1 || status=$?
        [ $status != 0 ] || continue
        name=$(failures "$log/unit" | head -n 1)
        if [ -z "$name" ] && [ $status = 124 ]; then name='none: they wait for ever'; fi
        [ -n "$name" ] || return 1
        echo "unit test \`$name\` as $release"
        return
    done
}

other_suites() {
    local suite name binary
    for suite in log strangers; do
        binary=$(test_binary $suite)
        [ -x "$binary" ] || return 1
        (cd "$tree" && timeout 300 "$binary") >"$log/$suite" 2>&1 && continue
        name=$(failures "$log/$suite" | head -n 1)
        [ -n "$name" ] || return 1
        echo "\`$suite::$name\`"
        return
    done
}

# mistake name -> a row of the table; false if nothing noticed it.
try() {
    local patch=mutations/$1.patch failed count first
    (cd "$tree" && patch -p1 -s -F0 --no-backup-if-mismatch) <"$patch" >"$log/patch" 2>&1 ||
        die "$patch no longer applies: $(cat "$log/patch"). Make it anew, so that it says the same of the source as it is now."
    build_library || die "$patch does not build: $(cat "$log/build")"
    c_suite || die "the C programs could not be run: $(cat "$log/c")"
    failed=$(failures "$log/c")
    count=$(printf '%s' "$failed" | grep -c . || true)
    first=$(printf '%s\n' "$failed" | grep -vx "$waiting" | head -n 1) || first=$waiting
    if [ "$count" -gt 0 ]; then
        first="\`${first/::system/}\`"
    else
        first=$(unit_suite) || die "$1: the unit tests ended without a word: see $log/unit"
        [ -n "$first" ] || first=$(other_suites) || die "$1: the other tests ended without a word: see $log"
    fi
    (cd "$tree" && patch -R -p1 -s -F0 --no-backup-if-mismatch) <"$patch" >/dev/null
    echo "| $(sed -n 1p "$patch") | ${first:-**nothing**} | $count of $trials |" >"$work/row"
    mv "$work/row" "$rows/$1"
    printf '%-28s %3d of %d C trials; %s\n' "$1" "$count" "$trials" "${first:-NOTHING notices it}"
    [ -n "$first" ]
}

# Without a mistake nothing may be noticed.
try_without() {
    local begun failed
    build_library || die "the library does not build: $(cat "$log/build")"
    c_suite || die "the C programs could not be run: $(cat "$log/c")"
    # Now that all are compiled.
    begun=$SECONDS
    c_suite || die "the C programs could not be run: $(cat "$log/c")"
    [ -z "$(failures "$log/c")" ] || die "without any mistake these fail: $(failures "$log/c" | tr '\n' ' ')"
    limit=$(((SECONDS - begun) * 3 + 20))
    failed=$(unit_suite) && failed+=$(other_suites) || die "the other suites cannot be run: see $log"
    [ -z "$failed" ] || die "without any mistake this fails: $failed"
    trials=$(grep -c '^test .* \.\.\. ok' "$log/c") || die "no C program ran: $(cat "$log/c")"
}

table() {
    echo "Of $total wrong builds of the library each is noticed by this project's own suite, on Debian's libssl" \
        "($(date -u +%Y-%m-%d); \`make check-mutations\`)."
    echo
    echo '| the mistake | what notices it first | C trials that fail |'
    echo '|---|---|---|'
    (cd "$rows" && cat "${names[@]}")
}

publish() {
    local page=docs/conformance.md
    if [ -f $page ] && grep -q '^<!-- mutations -->$' $page; then
        awk -v part="$work/table.md" '
            /^<!-- \/mutations -->$/ { inside = 0 }
            !inside { print }
            /^<!-- mutations -->$/ { inside = 1; while ((getline line < part) > 0) print line }' $page >"$work/page.md"
        cat "$work/page.md" >$page
    else
        { echo '<!-- mutations -->'; cat "$work/table.md"; echo '<!-- /mutations -->'; } >docs/mutations.part.md
        echo "check-mutations: $page has no place for the table; it is in docs/mutations.part.md"
    fi
}

# What the rows depend on: everything but the documents.
sources() {
    (
        cd "$tree"
        find . -type f -not -path './docs/*' -not -path './*.md' -print0 | sort -z | xargs -0 sha256sum
        rustc --version
        openssl version
    ) | sha256sum
}

# Rows of the same sources are kept by a run that goes on, and by one of a few by name.
begin_rows() {
    local own
    own=$(sources)
    if [ "${RESUME:-$*}" ] && [ "$(cat "$rows/sources" 2>/dev/null)" = "$own" ]; then return; fi
    rm -rf "$rows"
    mkdir -p "$rows"
    echo "$own" >"$rows/sources"
}

copy_tree
begin_rows "$@"
c_programs=$(test_binary c_programs)
[ -x "$c_programs" ] || die 'the C test binary was not built: cargo test --no-default-features --test c_programs --no-run'
try_without
holes=0 total=0
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(basename -s .patch mutations/*.patch)
for name in "${names[@]}"; do
    [ -f "mutations/$name.patch" ] || die "there is no mutations/$name.patch"
    total=$((total + 1))
    # Those that are asked for by name, and those that nothing has noticed, are tried again.
    if [ $# = 0 ] && [ -s "$rows/$name" ] && ! grep -qF '**nothing**' "$rows/$name"; then
        echo "$name: tried before;$(cut -d'|' -f3 "$rows/$name")"
    else
        try "$name" || holes=$((holes + 1))
    fi
done
table >"$work/table.md"
[ "$holes" = 0 ] || die "$holes of $total mistakes are noticed by nothing: write the tests that notice them"
[ $# -gt 0 ] || publish
echo "check-mutations: all $total mistakes are noticed"
