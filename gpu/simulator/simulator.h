/*
 * A CUDA device that is modelled: the subset of the driver API that vizavi uses, with the real one's names, order and
 * errors. Times are those of a model, data is really moved. See README.md.
 */
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* CUresult */
enum {
  OK = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  DEVICE_UNAVAILABLE = 46,
  INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  ALREADY_REGISTERED = 712,
  NOT_REGISTERED = 713,
  LAUNCH_FAILED = 719,
};

typedef enum { KERNEL, COPY_IN, COPY_OUT, COPY_ON, FILL, RECORD, WAIT } Kind;
typedef enum { GENERATE = 1, DECODE, FRAMES, BUSY } KernelName;

/* Rows are one row for plain copies. */
typedef struct {
  uint64_t to, from, to_pitch, from_pitch, row_bytes, rows;
} Move;

typedef struct Event {
  struct Event *next;
  /* Recordings asked for and recordings that have happened. */
  uint64_t asked, happened;
  double at_ns;
} Event;

typedef struct Op {
  struct Op *next;
  Kind kind;
  int running;
  double asked_ns, start_ns, end_ns, length_ns;
  Move move;
  uint32_t value;
  KernelName kernel;
  uint64_t args[10];
  Event *event;
  uint64_t version;
} Op;

typedef struct Stream {
  struct Stream *next;
  Op *head, *tail;
  double free_ns;
} Stream;

typedef struct Block {
  struct Block *next;
  uint64_t address, bytes;
} Block;

typedef struct {
  double memory_bytes, multiprocessors, copy_engines, major, minor;
  /* Bytes a nanosecond, that is GB/s. */
  double pinned_gbps, pageable_gbps, device_gbps, launch_us;
  /* Modelled time over real time; 0: as fast as this machine can. */
  double speed;
  /* 0: frames are not written and not copied, only their times are modelled. */
  double move_data;
} Profile;

typedef struct {
  pthread_mutex_t lock;
  /* Something was enqueued; something has happened. */
  pthread_cond_t work, done;
  Profile profile;
  char name[128];
  int initialized, contexts;
  Stream *streams;
  Event *events;
  Block *blocks, *pins;
  double allocated_bytes;
  /* Per engine: when it is free. Kernels; copies to the device; copies to the host. */
  double compute_ns, in_ns[8], out_ns[8];
  /* Modelled time since the speed was set, and the real time then. With speed 0 the first alone is the clock. */
  double from_ns, from_real_ns;
  /* The error that every call returns once the device is lost. */
  int lost;
  /* Failure on demand: what, and how many calls before it. */
  int fail_what;
  int64_t fail_after;
  /* A file: when it is there, it is removed, and the device is lost. For processes that nobody can call. */
  const char *lose_when;
  double busy_ns, copy_ns, copied_out_bytes, operations;
} Device;

enum { FAIL_NOTHING, FAIL_MEMORY, FAIL_LAUNCH, FAIL_LOST, FAIL_HANG };

extern Device device;

/* device-model.c; all but now_ns are called with the lock held. */
double now_ns(void);
void set_speed(double speed);
void start_device(void);
Op *enqueue(Stream *stream, Kind kind);
void ring_bell(void);
Block *find_block(Block *list, uint64_t address, uint64_t bytes);

/* kernels.c; half 0 at an operation's start, 1 at its end. */
void move_data(const Op *op, int half);
