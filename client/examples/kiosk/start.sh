#!/usr/bin/env bash
# Shows a kiosk page full screen, and starts the browser anew whenever it ends, crashes or hangs.
#   start.sh [address]        by default http://localhost:8080/kiosk/
# KIOSK_TOKEN    where the server has API keys: the token of this kiosk, for its beacon
# KIOSK_PROFILE  where the browser keeps the page for when the server is away
# KIOSK_FLAGS    more flags for the browser
# KIOSK_SILENCE  seconds without a word of the page after which the browser is started anew, by default 80
# CHROMIUM       which browser
set -u

address=${1:-http://localhost:8080/kiosk/}
token=${KIOSK_TOKEN:-}
profile=${KIOSK_PROFILE:-${XDG_DATA_HOME:-$HOME/.local/share}/vizavi-kiosk}
# The page tells every 30 s how it is; two of three may be lost. A page that is loading tells sooner than that.
stale_sec=${KIOSK_SILENCE:-80}
most_stale_sec=3600
look_every_sec=$((stale_sec < 10 ? (stale_sec + 1) / 2 : 5))

server=$(printf %s "$address" | sed -E 's#^(https?://[^/]+).*#\1#')
kiosk=$(printf %s "$address" | sed -nE 's#.*[?&]kiosk=([A-Za-z0-9_-]+).*#\1#p')
kiosk=${kiosk:-kiosk}
[ -n "$token" ] && address="$address#kiosk-token=$token"

browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome-stable google-chrome; do
  [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
if [ -z "$browser" ]; then
  echo 'No Chromium found: install it, or set CHROMIUM to its path.' >&2
  exit 1
fi

flags=(
  --kiosk
  --user-data-dir="$profile"
  --autoplay-policy=no-user-gesture-required
  --no-first-run --no-default-browser-check --noerrdialogs --disable-infobars
  --disable-session-crashed-bubble --hide-crash-restore-bubble
  --disable-pinch --overscroll-history-navigation=0 --disable-features=Translate,TouchpadOverscrollHistoryNavigation
  --disable-component-update --check-for-update-interval=31536000 --disable-background-networking --disable-sync
  # No keyring asks for a password; nothing secret is stored.
  --password-store=basic
)
read -ra more <<<"${KIOSK_FLAGS:-}"

browser_pid=
stop_browser() {
  [ -n "$browser_pid" ] || return 0
  kill "$browser_pid" 2>/dev/null
  for _ in 1 2 3 4 5 6; do
    kill -0 "$browser_pid" 2>/dev/null || break
    sleep 0.5
  done
  kill -9 "$browser_pid" 2>/dev/null
  wait "$browser_pid" 2>/dev/null
  browser_pid=
}
trap 'stop_browser; exit 0' TERM INT

# A page that tells somebody else, or nobody, is unknown to the server for good.
case $address in *[?\&]beacon=*) is_told=0 ;; *) is_told=1 ;; esac

# What the server last heard of this kiosk, and the HTTP status; nothing while the server is away.
heard() {
  curl -sS -m 3 -w ' %{http_code}' ${token:+-H "authorization: Bearer $token"} \
    "$server/v1/kiosks/$kiosk" 2>/dev/null
}

# How long the server may know nothing of this kiosk.
unknown_limit_sec=$stale_sec

while :; do
  "$browser" "${flags[@]}" ${more[@]+"${more[@]}"} "$address" >/dev/null 2>&1 &
  browser_pid=$!
  started=$SECONDS
  unknown_since=
  while kill -0 "$browser_pid" 2>/dev/null; do
    # Not in the way of a signal, as a plain sleep would be.
    sleep "$look_every_sec" &
    wait $!
    report=$(heard) || report=
    case $report in
      *' 200')
        unknown_since=
        unknown_limit_sec=$stale_sec
        ;;
      *'"not_found"'*' 404')
        # A server that was started anew has forgotten all kiosks. A page that lives tells it; one that crashed does not.
        unknown_since=${unknown_since:-$SECONDS}
        unknown_sec=$((SECONDS - unknown_since))
        if [ "$is_told" = 1 ] && [ "$unknown_sec" -gt "$unknown_limit_sec" ]; then
          echo "$(date -Is) the server has heard nothing of the page for $unknown_sec s" >&2
          # Where no beacon gets through, starting anew does not help: visitors are disturbed ever less often.
          unknown_limit_sec=$((unknown_limit_sec * 2))
          [ "$unknown_limit_sec" -le "$most_stale_sec" ] || unknown_limit_sec=$most_stale_sec
          break
        fi
        continue
        ;;
      *)
        # The server is away, or has nothing to tell: the page waits for it by itself.
        unknown_since=
        continue
        ;;
    esac
    silent_sec=$(printf %s "$report" | sed -nE 's/.*"lastSeenSec":([0-9]+).*/\1/p')
    age_sec=$((SECONDS - started))
    case $report in *'"state":"hung"'*) is_hung=1 ;; *) is_hung=0 ;; esac
    # What was told before this browser was started says nothing of it.
    if [ "$is_hung" = 1 ] && [ "${silent_sec:-0}" -lt "$age_sec" ]; then
      echo "$(date -Is) the page hangs" >&2
      break
    fi
    if [ "${silent_sec:-0}" -gt "$stale_sec" ] && [ "$age_sec" -gt "$stale_sec" ]; then
      echo "$(date -Is) nothing was heard of the page for $silent_sec s" >&2
      break
    fi
  done
  stop_browser
  echo "$(date -Is) the browser is started anew" >&2
  sleep 1
done
