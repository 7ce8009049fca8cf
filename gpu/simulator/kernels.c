/* What operations do to memory: half of it at their start and half at their end, so that whoever reads too early sees it. */
#include "simulator.h"
#include <string.h>

static void fill(uint64_t address, uint32_t value, uint64_t words, int half) {
  uint32_t *to = (uint32_t *)address;
  uint64_t from = half ? words / 2 : 0, end = half ? words : words / 2;
  for (uint64_t i = from; i < end; i++) to[i] = value;
}

static void move_rows(const Move *move, int half) {
  for (uint64_t row = 0; row < move->rows; row++) {
    uint64_t from = half ? move->row_bytes / 2 : 0, end = half ? move->row_bytes : move->row_bytes / 2;
    memmove((char *)(move->to + row * move->to_pitch) + from, (char *)(move->from + row * move->from_pitch) + from,
            end - from);
  }
}

/* latents, latent bytes a frame, pcm, samples a frame, frames: a latent holds the bits of its frame's first sample. */
static void generate(const uint64_t *args) {
  for (uint64_t frame = 0; frame < args[4]; frame++)
    memcpy((char *)args[0] + frame * args[1], (char *)args[2] + frame * args[3] * 4, 4);
}

/* y, u, v, latents, latent bytes a frame, luma bytes, frames: every word of a picture is its latent's first word. */
static void decode(const uint64_t *args, int half) {
  for (uint64_t frame = 0; frame < args[6]; frame++) {
    uint32_t value;
    memcpy(&value, (char *)args[3] + frame * args[4], 4);
    uint64_t luma = args[5];
    fill(args[0] + frame * luma, value, luma / 4, half);
    fill(args[1] + frame * luma / 4, value, luma / 16, half);
    fill(args[2] + frame * luma / 4, value, luma / 16, half);
  }
}

/* out, bytes a frame, frames, first value: frame i is filled with first + i. */
static void frames(const uint64_t *args, int half) {
  for (uint64_t frame = 0; frame < args[2]; frame++)
    fill(args[0] + frame * args[1], (uint32_t)(args[3] + frame), args[1] / 4, half);
}

void move_data(const Op *op, int half) {
  int data = device.profile.move_data > 0;
  if (op->kind == COPY_IN || op->kind == COPY_ON || (op->kind == COPY_OUT && (data || op->move.row_bytes < 4096)))
    move_rows(&op->move, half);
  if (op->kind == FILL) fill(op->move.to, op->value, op->move.row_bytes / 4, half);
  if (op->kind != KERNEL) return;
  if (op->kernel == GENERATE && half == 0) generate(op->args);
  if (op->kernel == DECODE && data) decode(op->args, half);
  if (op->kernel == FRAMES && data) frames(op->args, half);
}

static int allocated(uint64_t address, uint64_t bytes) {
  return bytes == 0 || find_block(device.blocks, address, bytes) != NULL;
}

static uint64_t span(const Move *move, uint64_t pitch) { return pitch * (move->rows - 1) + move->row_bytes; }

int reachable(const Op *op) {
  const Move *move = &op->move;
  const uint64_t *args = op->args;
  switch (op->kind) {
    case RECORD:
    case WAIT: return 1;
    case FILL: return allocated(move->to, move->row_bytes);
    case COPY_IN: return allocated(move->to, span(move, move->to_pitch));
    case COPY_OUT: return allocated(move->from, span(move, move->from_pitch));
    case COPY_ON: return allocated(move->to, move->row_bytes) && allocated(move->from, move->row_bytes);
    case KERNEL: break;
  }
  switch (op->kernel) {
    case GENERATE: return allocated(args[0], args[4] * args[1]) && allocated(args[2], args[4] * args[3] * 4);
    case DECODE:
      return allocated(args[0], args[6] * args[5]) && allocated(args[1], args[6] * args[5] / 4) &&
             allocated(args[2], args[6] * args[5] / 4) && allocated(args[3], args[6] * args[4]);
    case FRAMES: return allocated(args[0], args[2] * args[1]);
    case BUSY: return 1;
  }
  return 0;
}
