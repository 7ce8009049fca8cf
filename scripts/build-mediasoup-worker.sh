#!/usr/bin/env bash
# Builds mediasoup's C++ worker from the npm package's own sources, on a Debian
# machine that reaches nothing but the npm registry and Debian's packages.
#
#   build-mediasoup-worker.sh OUTDIR [VERSION | PATH-OF-AN-INSTALLED-mediasoup]
#
# prints the absolute path of the worker binary, and nothing else, on standard
# output. The result is kept in OUTDIR (a folder that outlives the call, such as
# ~/.cache/vizavi), under a name made of version, platform and the revision of
# the patches below: a second call costs milliseconds, the first about six
# minutes on two cores. Use it as
#
#   npm ci --ignore-scripts     # mediasoup's postinstall would download or build
#   bin=$(bash build-mediasoup-worker.sh ~/.cache/vizavi node_modules/mediasoup)
#   export MEDIASOUP_WORKER_BIN=$bin     # both its postinstall and its JS heed it
#
# How: upstream's Meson build takes every dependency as a "wrap" that Meson
# would download. A wrap whose directory is already there is not downloaded, so
# each one gets a directory with a few lines of meson.build:
#   openssl, libuv, abseil-cpp, flatbuffers -> Debian's -dev packages, static
#   libsrtp3        -> Debian's libsrtp2 *source* (2.x) built against OpenSSL
#                      (Debian's own libsrtp2 binary uses NSS: slower, and a
#                      run-time dependency), plus a header that gives the v2
#                      library the part of the v3 API that mediasoup calls
#   unordered-dense -> a header that aliases std::unordered_map/_set, with a
#                      mixing hash (Debian has no package of the real one)
# The binary depends on glibc alone.
set -euo pipefail

OUTDIR=${1:?usage: build-mediasoup-worker.sh OUTDIR [VERSION]}
VERSION=${2:-3.27.1}
SRC= # the installed package to take the sources from; without it, npm pack
if [ -d "$VERSION" ]; then SRC=$(cd "$VERSION" && pwd); VERSION=$(node -p "require('$SRC/package.json').version"); fi
JOBS=${JOBS:-$(nproc)}
mkdir -p "$OUTDIR"; OUTDIR=$(cd "$OUTDIR" && pwd)
# Raise it when a change below changes the binary.
REVISION=r1
KEY=$VERSION-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)-$REVISION
BIN=$OUTDIR/mediasoup-worker-$KEY
log() { printf '[mediasoup-worker] %s\n' "$*" >&2; }

# Without MEDIASOUP_VERSION the worker writes one line and exits with 41 before
# it does anything else (upstream's npm-scripts.mjs relies on the same code to
# tell whether a prebuilt binary runs on the host).
runs() { local rc=0; env -u MEDIASOUP_VERSION "$1" >/dev/null 2>&1 || rc=$?; [ "$rc" = 41 ]; }

if [ -x "$BIN" ] && runs "$BIN"; then log "cached"; ln -sfn "${BIN##*/}" "$OUTDIR/mediasoup-worker"; echo "$BIN"; exit 0; fi

# One build at a time per OUTDIR; a second caller waits, then finds the result.
exec 9>"$OUTDIR/.lock"; flock 9
if [ -x "$BIN" ] && runs "$BIN"; then log "cached"; echo "$BIN"; exit 0; fi

WORK=$(mktemp -d "${TMPDIR:-/tmp}/mediasoup-worker.XXXXXX")
clean_up() {
  local jobs; jobs=$(jobs -p)
  # shellcheck disable=SC2086 # several ids
  [ -z "$jobs" ] || { kill $jobs; wait; } 2>/dev/null || true
  [ -n "${KEEP_WORK:-}" ] || rm -rf "$WORK"
}
trap clean_up EXIT
# Bash heeds a signal only between commands in the foreground, and the compiler is a long one.
trap 'exit 130' INT TERM
T0=$SECONDS

# ---------------------------------------------------------------- toolchain --
PKGS=(g++ meson ninja-build pkg-config libssl-dev libuv1-dev libabsl-dev
      libflatbuffers-dev flatbuffers-compiler zlib1g-dev libzstd-dev)
MISSING=()
for p in "${PKGS[@]}"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || MISSING+=("$p")
done
SUDO=; [ "$(id -u)" = 0 ] || SUDO=sudo
if [ ${#MISSING[@]} -gt 0 ]; then
  log "apt-get install ${MISSING[*]}"
  $SUDO apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -qq --no-install-recommends "${MISSING[@]}" >"$WORK/apt.log" 2>&1 \
    || { cat "$WORK/apt.log" >&2; exit 1; }
fi

# ------------------------------------------------------------------ sources --
W=$WORK/package/worker
if [ -n "$SRC" ]; then
  log "sources: $SRC/worker"
  mkdir -p "$WORK/package"; cp -R "$SRC/worker" "$W"; rm -rf "$W/out" "$W/pip_invoke"
else
  log "npm pack mediasoup@$VERSION"
  ( cd "$WORK" && npm pack --silent --ignore-scripts "mediasoup@$VERSION" >/dev/null )
  tar -xzf "$WORK/mediasoup-$VERSION.tgz" -C "$WORK"
fi

# libsrtp2's source through apt's own client and signature check, with a private
# sources.list that has the deb-src line (the machine's own has none).
# The mirror is the one that the machine's own apt uses.
CODENAME=$(. /etc/os-release; echo "$VERSION_CODENAME")
mirror() {
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null \
    | awk -v c="$CODENAME" '$2 == c && $3 == "main" && !seen++ { print $1 }'
}
MIRROR=$(mirror)
[ -n "$MIRROR" ] || { $SUDO apt-get update -qq >&2; MIRROR=$(mirror); }
[ -n "$MIRROR" ] || { log "apt has no '$CODENAME main'"; exit 1; }
A=$WORK/apt
mkdir -p "$A"/{etc/apt.conf.d,etc/preferences.d,lib/lists/partial,cache/archives/partial}; : >"$A/status"
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR $CODENAME main" >"$A/etc/sources.list"
cat >"$A/apt.conf" <<X
Dir::Etc "$A/etc";
Dir::Etc::sourcelist "$A/etc/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "$A/lib";
Dir::State::status "$A/status";
Dir::Cache "$A/cache";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
X
# --tar-only: upstream's tarball, without Debian's own changes to its packaging
log "apt-get source libsrtp2 ($CODENAME)"
( cd "$WORK" && export APT_CONFIG=$A/apt.conf && apt-get update -qq \
  && apt-get source -qq --download-only --tar-only libsrtp2 ) >&2

# -------------------------------------------------------------------- stubs --
# stub WRAP -> makes (and prints) the directory that subprojects/WRAP.wrap names
stub() { local d; d=$W/subprojects/$(sed -n 's/^directory *= *//p' "$W/subprojects/$1.wrap"); mkdir -p "$d"; echo "$d"; }
# Upstream also declares a library (never built here) that wants the static
# library *targets* of its dependencies; an empty one stands in for each.
EMPTY='void ms_empty(void); void ms_empty(void) {}'

d=$(stub openssl); echo "$EMPTY" >"$d/empty.c"
cat >"$d/meson.build" <<'X'
project('openssl', 'c')
# by pkg-config's names, for what the static libraries need in turn (Debian 13: zlib, zstd)
libcrypto_dep = dependency('libcrypto', static: true, method: 'pkg-config')
libssl_dep = dependency('libssl', static: true, method: 'pkg-config')
openssl_dep = declare_dependency(dependencies: [libssl_dep, libcrypto_dep], version: libcrypto_dep.version())
libcrypto_lib = static_library('empty_crypto', 'empty.c')
libssl_lib = static_library('empty_ssl', 'empty.c')
meson.override_dependency('openssl', openssl_dep)
X

d=$(stub libuv); echo "$EMPTY" >"$d/empty.c"
cat >"$d/meson.build" <<'X'
project('libuv', 'c')
cc = meson.get_compiler('c')
# Debian's static libuv is called libuv_a.a in 12, libuv.a elsewhere.
uv = cc.find_library('uv_a', static: true, required: false)
if not uv.found()
  uv = cc.find_library('uv', static: true)
endif
libuv_dep = declare_dependency(dependencies: [uv, dependency('threads'), cc.find_library('dl', required: false), cc.find_library('rt', required: false)])
libuv = static_library('empty_uv', 'empty.c')
X
printf "option('build_tests', type: 'boolean', value: false)\noption('build_benchmarks', type: 'boolean', value: false)\n" >"$d/meson_options.txt"

d=$(stub flatbuffers); echo "$EMPTY" >"$d/empty.c"
cat >"$d/meson.build" <<'X'
project('flatbuffers', 'c', 'cpp')
cpp = meson.get_compiler('cpp')
flatbuffers_dep = declare_dependency(dependencies: cpp.find_library('flatbuffers', static: true))
flatbuffers_lib = static_library('empty_flatbuffers', 'empty.c')
meson.override_find_program('flatc', find_program('/usr/bin/flatc'))
X

if [ -e "$W/subprojects/abseil-cpp.wrap" ]; then
d=$(stub abseil-cpp); echo "$EMPTY" >"$d/empty.c"
cat >"$d/meson.build" <<'X'
project('abseil-cpp', 'c', 'cpp')
absl_types_dep = declare_dependency(dependencies: [dependency('absl_optional', static: true, method: 'pkg-config')])
absl_strings_dep = declare_dependency(dependencies: [dependency('absl_strings', static: true, method: 'pkg-config')])
absl_container_dep = declare_dependency(dependencies: [dependency('absl_flat_hash_map', static: true, method: 'pkg-config'), dependency('absl_flat_hash_set', static: true, method: 'pkg-config')])
absl_container_lib = static_library('empty_absl', 'empty.c')
X
fi

if [ -e "$W/subprojects/unordered-dense.wrap" ]; then
d=$(stub unordered-dense); mkdir -p "$d/include/ankerl"
cat >"$d/meson.build" <<'X'
project('ankerl-unordered-dense', 'cpp')
ankerl_unordered_dense_dep = declare_dependency(include_directories: include_directories('include'))
X
cat >"$d/include/ankerl/unordered_dense.h" <<'X'
#pragma once
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <unordered_set>
namespace ankerl::unordered_dense
{
	// mediasoup tells transports apart by hashes that it combines from these, so
	// the bits must be mixed (std::hash of an integer is the integer itself).
	template<typename T>
	struct hash
	{
		uint64_t operator()(const T& value) const noexcept
		{
			uint64_t x = static_cast<uint64_t>(std::hash<T>{}(value)) + 0x9e3779b97f4a7c15ull;
			x          = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
			x          = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
			return x ^ (x >> 31);
		}
	};
	template<typename K, typename V, typename H = hash<K>, typename E = std::equal_to<K>>
	using map = std::unordered_map<K, V, H, E>;
	template<typename K, typename H = hash<K>, typename E = std::equal_to<K>>
	using set = std::unordered_set<K, H, E>;
} // namespace ankerl::unordered_dense
X
fi

if [ -e "$W/subprojects/libsrtp3.wrap" ]; then
d=$(stub libsrtp3)
tar -xf "$WORK"/libsrtp2_*.orig.tar.?z --strip-components=1 -C "$d"
mkdir -p "$d/ms_v3"
cat >>"$d/meson.build" <<'X'

# --- for mediasoup: the v3 API over this v2 library
libsrtp3 = libsrtp2_static
libsrtp3_dep = declare_dependency(link_with: libsrtp2_static, include_directories: [include_directories('ms_v3'), public_incs])
X
cat >"$d/ms_v3/srtp.h" <<'X'
#pragma once
// The part of libsrtp3's API that mediasoup's worker calls, over libsrtp2.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#define srtp_policy_t srtp2_policy_t
#include <srtp2/srtp.h>
#undef srtp_policy_t

// Error codes that v3 has and v2 never returns.
static constexpr srtp_err_status_t srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
static constexpr srtp_err_status_t srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

struct srtp_v3_policy
{
	srtp2_policy_t v2;
	srtp_profile_t profile;
	uint8_t key[SRTP_MAX_KEY_LEN];
};
using srtp_policy_t = srtp_v3_policy*;

inline srtp_err_status_t srtp_policy_create(srtp_policy_t* policy)
{
	*policy = static_cast<srtp_policy_t>(std::calloc(1, sizeof(srtp_v3_policy)));
	return *policy ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}
inline void srtp_policy_destroy(srtp_policy_t policy)
{
	if (policy)
	{
		volatile uint8_t* k = policy->key;
		for (size_t i = 0; i < sizeof(policy->key); ++i) k[i] = 0;
	}
	std::free(policy);
}
inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->v2.ssrc = ssrc;
	return srtp_err_status_ok;
}
inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile)
{
	policy->profile = profile;
	switch (profile)
	{
		// v2's srtp_crypto_policy_set_from_profile_for_rtcp() does the same.
		case srtp_profile_aead_aes_256_gcm:
			srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->v2.rtp);
			srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->v2.rtcp);
			return srtp_err_status_ok;
		case srtp_profile_aead_aes_128_gcm:
			srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->v2.rtp);
			srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->v2.rtcp);
			return srtp_err_status_ok;
		case srtp_profile_aes128_cm_sha1_80:
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->v2.rtp);
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->v2.rtcp);
			return srtp_err_status_ok;
		case srtp_profile_aes128_cm_sha1_32:
			// RFC 5764: RTCP keeps the 80 bit tag.
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->v2.rtp);
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->v2.rtcp);
			return srtp_err_status_ok;
		default:
			return srtp_err_status_bad_param;
	}
}
inline srtp_err_status_t srtp_policy_add_key(
  srtp_policy_t policy, const uint8_t* key, size_t keyLen, const uint8_t* salt, size_t saltLen, const uint8_t* /*mki*/, size_t mkiLen)
{
	if (mkiLen != 0 || keyLen + saltLen > sizeof(policy->key)) return srtp_err_status_bad_param;
	std::memcpy(policy->key, key, keyLen);
	std::memcpy(policy->key + keyLen, salt, saltLen);
	policy->v2.key = policy->key;
	return srtp_err_status_ok;
}
inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow)
{
	policy->v2.allow_repeat_tx = allow;
	return srtp_err_status_ok;
}
inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, size_t size)
{
	policy->v2.window_size = size;
	return srtp_err_status_ok;
}
inline srtp_err_status_t srtp_create(srtp_t* session, srtp_policy_t policy)
{
	return srtp_create(session, const_cast<const srtp2_policy_t*>(&policy->v2));
}
// v2 works in place, v3 from one buffer to another (or the same).
#define MS_SRTP_OP(NAME, IN_MKI, TRAILER)                                                           \
	inline srtp_err_status_t NAME(                                                                    \
	  srtp_t ctx, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen IN_MKI)              \
	{                                                                                                 \
		if (*outLen < inLen + (TRAILER)) return srtp_err_status_buffer_small;                           \
		if (in != out) std::memmove(out, in, inLen);                                                    \
		int len                     = static_cast<int>(inLen);                                          \
		const srtp_err_status_t err = NAME(ctx, static_cast<void*>(out), &len);                         \
		if (err == srtp_err_status_ok) *outLen = static_cast<size_t>(len);                              \
		return err;                                                                                     \
	}
#define MS_SRTP_MKI , size_t /*mki_index*/
MS_SRTP_OP(srtp_protect, MS_SRTP_MKI, SRTP_MAX_TRAILER_LEN)
MS_SRTP_OP(srtp_protect_rtcp, MS_SRTP_MKI, SRTP_MAX_TRAILER_LEN)
MS_SRTP_OP(srtp_unprotect, , 0)
MS_SRTP_OP(srtp_unprotect_rtcp, , 0)
#undef MS_SRTP_OP
#undef MS_SRTP_MKI
inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrcInNetworkOrder)
{
	return srtp_remove_stream(session, ssrcInNetworkOrder);
}
X
fi

# Debian builds OpenSSL with kernel TLS, upstream's wrap without. With it OpenSSL
# asks mediasoup's memory BIO "does the kernel send for you?" and the worker's BIO
# callback, whose test of the operation is for equality where BIO_CB_RETURN is a
# flag, turns every answer into yes: no write buffer, and a crash in the first
# DTLS handshake. With the flag tested as a flag the BIO's own answer (no) stays.
F=$W/src/RTC/DtlsTransport.cpp
sed -i 's/(operationType == BIO_CB_RETURN)/((operationType \& BIO_CB_RETURN) != 0)/' "$F"
grep -q '(operationType & BIO_CB_RETURN)' "$F" || { log "DtlsTransport.cpp: BIO callback not as expected, look before building"; exit 1; }

# Debian 12's Meson is 1.0.1 and does everything that this build asks of it.
sed -i "s/meson_version: *'>= 1\.[0-9.]*'/meson_version: '>= 1.0.0'/" "$W/meson.build"

# -------------------------------------------------------------------- build --
log "configuring"
cd "$W"
MESON=/usr/bin/meson # not some pyenv's
"$MESON" setup --buildtype release -Db_ndebug=true --wrap-mode=nodownload \
  -Dc_args=-w -Dcpp_args=-w \
  -Dcpp_link_args="-static-libstdc++ -static-libgcc" build >"$WORK/build.log" 2>&1 \
  || { tail -n 60 "$WORK/build.log" >&2; exit 1; }
log "compiling with $JOBS jobs (log: $WORK/build.log)"
ninja -C build -j "$JOBS" mediasoup-worker >>"$WORK/build.log" 2>&1 &
wait $! \
  || { grep -nE 'FAILED|error' -A6 "$WORK/build.log" | head -n 80 >&2; exit 1; }
strip -o "$BIN.tmp" build/mediasoup-worker
runs "$BIN.tmp" || { log "the built worker does not run"; "$BIN.tmp" >&2 || true; exit 1; }
mv -f "$BIN.tmp" "$BIN"
ln -sfn "${BIN##*/}" "$OUTDIR/mediasoup-worker"
log "built mediasoup-worker $VERSION ($(grep -ao 'libsrtp2 2\.[0-9.]*' "$BIN" | head -n1), $(grep -ao 'OpenSSL 3\.[0-9.]*' "$BIN" | head -n1)) in $((SECONDS - T0)) s, $(stat -c %s "$BIN") bytes"
echo "$BIN"
