# syntax=docker/dockerfile:1
# One image per deployable:
#   docker build --target server -t vizavi-server .   signaling, HTTP and SFU; no inference libraries
#   docker build --target gpu -t vizavi-gpu .         avatars on the CPU; no mediasoup
#   docker build --target gpu-cuda -t vizavi-cuda .   avatars on an NVIDIA GPU: docker run --gpus all …
# Server and workers need the same VIZAVI_WORKER_SECRET; the worker dials VIZAVI_URL. The images of the worker
# contain FFmpeg under the GPL (see NOTICE).

FROM node:24-bookworm-slim AS manifests
WORKDIR /vizavi
COPY package.json package-lock.json .npmrc tsconfig.base.json ./
COPY signaling/package.json signaling/
COPY server/package.json server/
COPY gpu/package.json gpu/
COPY gpu/studio/package.json gpu/studio/
COPY client/package.json client/
COPY load/package.json load/
COPY test/package.json test/

FROM manifests AS client
RUN npm ci -w client -w signaling --include-workspace-root
COPY signaling signaling
COPY client client
COPY scripts scripts
RUN node scripts/build-client.mjs

FROM manifests AS server-modules
RUN npm ci -w server --omit=dev

# Upstream's prebuilt worker, or one built from the package's sources.
FROM server-modules AS media-worker
COPY scripts scripts
RUN install -m 755 "$(node scripts/setup.mjs media-worker)" /opt/mediasoup-worker

FROM node:24-bookworm-slim AS server
ENV NODE_ENV=production \
    MEDIASOUP_WORKER_BIN=/opt/mediasoup-worker \
    VIZAVI_LOCAL_WORKER=false \
    VIZAVI_RTC_MIN_PORT=40000 \
    VIZAVI_RTC_MAX_PORT=40999
WORKDIR /vizavi
COPY --from=media-worker /opt/mediasoup-worker /opt/mediasoup-worker
COPY --from=server-modules /vizavi/node_modules node_modules
COPY --from=client /vizavi/client/dist client/dist
COPY package.json LICENSE NOTICE ./
COPY signaling signaling
COPY server server
USER node
EXPOSE 8080/tcp 40000-40999/udp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.VIZAVI_PORT || process.env.PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server/src/main.ts"]

# The packages bring the CPU's binaries for every system along; one is needed.
FROM manifests AS gpu-modules
RUN npm ci -w gpu --omit=dev \
  && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
     ! -path "*/linux/$(node -p process.arch)" -exec rm -r {} +

# Encoders run on libuv's pool: on a host with more cores, give it as many threads (-e UV_THREADPOOL_SIZE=...).
FROM node:24-bookworm-slim AS gpu
ENV NODE_ENV=production \
    UV_THREADPOOL_SIZE=16 \
    VIZAVI_BUNDLES=/vizavi/gpu/bundles
WORKDIR /vizavi
COPY --from=gpu-modules /vizavi/node_modules node_modules
COPY package.json LICENSE NOTICE ./
COPY signaling signaling
COPY gpu gpu
USER node
CMD ["node", "gpu/src/main.ts"]

# ONNX Runtime's provider for CUDA is no part of its npm package: its own install step fetches it.
FROM gpu-modules AS gpu-cuda-modules
RUN node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12 \
  && rm -f node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_tensorrt.so

# CUDA 12 with cuBLAS, cuFFT and cuDNN 9; the driver (libcuda, libnvidia-encode) comes from the host by NVIDIA's
# container toolkit, which brings the encoder along only where "video" is asked for.
FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04 AS gpu-cuda
ENV NODE_ENV=production \
    NVIDIA_DRIVER_CAPABILITIES=compute,video,utility \
    UV_THREADPOOL_SIZE=64 \
    VIZAVI_DEVICE=cuda:0 \
    VIZAVI_BUNDLES=/vizavi/gpu/bundles
WORKDIR /vizavi
COPY --from=gpu /usr/local/bin/node /usr/local/bin/node
COPY --from=gpu-cuda-modules /vizavi/node_modules node_modules
COPY package.json LICENSE NOTICE ./
COPY signaling signaling
COPY gpu gpu
USER 1000
CMD ["node", "gpu/src/main.ts"]
