#!/usr/bin/env bash
# What a job runs, the same in each pipeline: `run.sh install`, then `run.sh preview|up|drift STACK`; or `run.sh audit`.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=examples/gitops
cli=.cache/pulumi-cli # git ignores it
export PATH="$PWD/$cli/pulumi:$PATH"

fail() {
    echo "run.sh: $1" >&2
    exit 2
}

# The CLI that pulumi.sha256 names, and nothing else: a release that somebody replaced has another checksum.
install_cli() {
    local machine archive
    case "$(uname -m)" in
    x86_64) machine=linux-x64 ;;
    aarch64 | arm64) machine=linux-arm64 ;;
    *) fail "$here/pulumi.sha256 has no CLI for $(uname -m): run the job on x86_64 or arm64" ;;
    esac
    mkdir -p "$cli"
    archive=$(awk -v machine="$machine" 'index($2, machine) { print $2 }' "$here/pulumi.sha256")
    [ -n "$archive" ] || fail "$here/pulumi.sha256 names no archive for $machine: add its line"
    curl --fail --silent --show-error --location --proto '=https' --retry 3 \
        --output "$cli/$archive" "https://get.pulumi.com/releases/sdk/$archive" || fail "$archive could not be downloaded: run the job again"
    (cd "$cli" && sha256sum --check --strict --quiet --ignore-missing "$OLDPWD/$here/pulumi.sha256") \
        || fail "$archive is not what $here/pulumi.sha256 says: nothing of it was run. Compare both with Pulumi's release"
    tar --extract --gzip --file "$cli/$archive" --directory "$cli"
}

# Into the virtual environment that Pulumi.yaml names: the files of the lock, each by its hash, and then the program's own package.
install_packages() {
    [ -x .venv/bin/python ] || python3 -m venv .venv
    local pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps)
    "${pip[@]}" --require-hashes -r requirements/program.txt
    "${pip[@]}" --no-index --no-build-isolation -e .
}

# Known vulnerabilities of what a job installs. What can't be looked up fails too: nobody would know.
audit() {
    local place=.cache/pip-audit
    [ -x "$place/bin/python" ] || python3 -m venv "$place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/audit.txt
    "$place/bin/python" -m pip_audit --strict --require-hashes --disable-pip -r requirements/program.txt
}

# The engine's output holds names, tags and messages that others wrote. `engine_output.py log` takes from them what a forge would obey.
pulumi_with_policies() {
    local verb=$1 stack=$2
    shift 2
    pulumi "$verb" --stack "$stack" "$@" --color never --non-interactive \
        --policy-pack policies --policy-pack-config "policies/$stack.json" 2>&1 | python3 -I "$here/engine_output.py" log
}

verb=${1:-}
stack=${2:-}
if [ "$verb" != install ] && [ "$verb" != audit ]; then
    # It becomes part of a path and of a command.
    [[ $stack =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$ ]] || fail "'$stack' is no stack's name: use letters, digits, '-', '_' and '.'"
    [ -f "policies/$stack.json" ] || fail "policies/$stack.json is missing: without it the stack's policies would not be checked"
fi
case "$verb" in
install)
    install_cli
    install_packages
    pulumi install --no-dependencies # the plugins
    ;;
audit) audit ;;
preview) pulumi_with_policies preview "$stack" | tee preview.txt ;;
up) pulumi_with_policies up "$stack" --yes ;;
drift) pulumi_with_policies preview "$stack" --expect-no-changes ;;
*) fail "'$verb' is none of install, audit, preview, up, drift" ;;
esac
