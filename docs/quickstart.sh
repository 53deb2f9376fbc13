#!/usr/bin/env bash
# The main job, end to end: four releases of a support desk meet one gate. Everything is real: the model is
# small, its answers are generated here, and the figures are measured while you watch.
#   docs/quickstart.sh [DIRECTORY]      makes DIRECTORY (default: quickstart) and leaves it to play with
set -euo pipefail
desk=${1:-quickstart}
port=${GATEKEEPER_QUICKSTART_PORT:-0}
log=$(mktemp) served=$(mktemp)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -f "$log" "$served"' EXIT
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold= dim= plain=; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# run WANTED PATTERN COMMAND...: show the command and the lines of its answer that match PATTERN; it must
# leave with the exit code WANTED, or the quickstart ends here.
run() {
  local wanted=$1 pattern=$2 code=0
  shift 2
  local shown= word
  for word in "$@"; do
    case $word in *' '*) word="\"$word\"" ;; esac
    shown+=" $word"
  done
  printf '%s$%s%s\n' "$dim" "$shown" "$plain"
  "$@" >"$log" 2>&1 || code=$?
  # A machine that does something else meanwhile may be too noisy to tell how fast a release is.
  if [ "$code" = 3 ] && [ "$wanted" = 0 ]; then
    printf '%s(inconclusive: measured once more)%s\n' "$dim" "$plain"
    code=0
    "$@" >"$log" 2>&1 || code=$?
  fi
  grep -E "$pattern" "$log" | awk '!(/ (PASS|FAIL|INCONCLUSIVE|ERROR) / && told[$0]++)' || true
  if [ "$code" != "$wanted" ]; then
    printf 'exit code %s, not %s:\n' "$code" "$wanted" >&2
    cat "$log" >&2
    exit 1
  fi
  [ "$code" = 0 ] || printf '%s(exit code %s)%s\n' "$dim" "$code" "$plain"
}

# ask QUESTION SERIAL: the service's answer, once it serves that ledger entry.
ask() {
  python3 - "$served" "$1" "$2" <<'PYTHON'
import json, re, sys, time, urllib.request
log, question, serial = sys.argv[1], sys.argv[2], int(sys.argv[3])

def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)

for _ in range(300):
    try:
        url = re.search(r"http://[\d.]+:\d+", open(log).read()).group()
        if call("/v1/release")["serial"] == serial:
            break
    except (AttributeError, OSError):
        pass
    time.sleep(0.1)
else:
    sys.exit(f"the service does not reach ledger entry {serial}: {open(log).read()}")
person = {"requestId": f"quickstart-{serial}", "tenantId": "acme", "userId": "you"}
reply = call("/v1/requests", {**person, "input": question})
print(f"  you ask: {question}")
print(f"  it says: {reply['answer']}   (ledger entry {reply['serial']}, release {reply['release'][7:19]})")
PYTHON
}

question="What is the signal strength of the Hytaxis?"
verdict='^[✓✗?!] |^ [✓✗?!] '
refused='^[✓✗?!] |^ [✗?!] |most likely'

if [ -e "$desk" ]; then
  echo "$desk is there already: remove it, or name another directory" >&2
  exit 2
fi
say "1. A project with keys, two environments and four manifests of one support desk"
run 0 'made|The keys' gatekeeper init "$desk" --example support-desk
cd "$desk"
for n in 1 2 3 4; do
  run 0 '^sha256:' gatekeeper build "manifests/support-desk-v$n.yaml"
done

say "2. v1 is evaluated by a real model, passes the gate and goes live"
run 0 "$verdict" gatekeeper evaluate manifests/support-desk-v1.yaml
run 0 'promoted' gatekeeper promote manifests/support-desk-v1.yaml --env local --reason "first release"

say "3. v2 answers in detail: fewer follow-ups, but dearer; it is stopped"
run 0 'class|gates' gatekeeper diff manifests/support-desk-v1.yaml manifests/support-desk-v2.yaml
run 1 "$refused|✓ follow_up" gatekeeper evaluate manifests/support-desk-v2.yaml
run 1 '.' gatekeeper promote manifests/support-desk-v2.yaml --env local

say "4. v3 has a stricter guard, and refuses the innocent; it is stopped"
run 1 "$refused" gatekeeper evaluate manifests/support-desk-v3.yaml

say "5. v4 knows more products: it replaces v1 in a running service"
run 0 "$verdict" gatekeeper evaluate manifests/support-desk-v4.yaml
gatekeeper serve --env local --port "$port" >"$served" 2>&1 &
server=$!
ask "$question" 1
run 0 'stable|promoted|entry' gatekeeper promote manifests/support-desk-v4.yaml --env local --reason "knows more products"
ask "$question" 2

say "6. One ledger entry takes it back; nothing is restarted"
run 0 '^rolled back' gatekeeper rollback --env local --reason "trying a rollback"
ask "$question" 3
run 0 '.' gatekeeper history --env local

say "Your turn, in $desk:"
cat <<'TRY'
  gatekeeper diff manifests/support-desk-v1.yaml manifests/support-desk-v4.yaml
  gatekeeper verify manifests/support-desk-v2.yaml --for local
  gatekeeper serve --env local
TRY
